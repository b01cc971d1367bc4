/** `mir demo --once`: its requests, its table, its verdict. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer, Ask, NoAnswer } from "../../../../src/cli/demo/ask.ts";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { parseCacheStatus } from "../../../../src/cli/demo/cache-status.ts";
import { type MeshMap, mapMesh } from "../../../../src/cli/demo/mesh-map.ts";
import { makePaint } from "../../../../src/cli/demo/paint.ts";
import type { Photo } from "../../../../src/cli/demo/photo.ts";
import { type Row, runRound } from "../../../../src/cli/demo/round.ts";
import {
  roundJson,
  roundTable,
  summarize,
  summaryLines,
} from "../../../../src/cli/demo/round-report.ts";
import { formatTable } from "../../../../src/cli/demo/table.ts";
import { readTopology } from "../../../../src/topology/read.ts";

const { signal } = new AbortController();
const plain = makePaint(false);
const PEER =
  "mir-regional-1; fwd=uri-miss; detail=origin, mir-edge-2; fwd=uri-miss; detail=upstream";

function demoMap(): MeshMap {
  const file = join(import.meta.dir, "../../../../topology/demo.toml");
  const read = readTopology(readFileSync(file, "utf8"), { file, baseDir: "/srv" });
  if (read.kind === "mistakes") throw new Error("demo.toml has mistakes");
  return mapMesh(read.topology);
}

function photosNamed(...names: string[]): Photo[] {
  return names.map((webId) => ({ webId, ext: "jpg", path: `/${webId}.jpg` }));
}

function answered(cacheStatus: string, status = 200): Answer {
  const members = parseCacheStatus(cacheStatus);
  return { status, members, contentType: "image/jpeg", bytes: 2048, ms: 12.34 };
}

function row(answer: Answer | NoAnswer): Row {
  return { photo: "alps", variant: "md.jpg", edge: "edge-1", answer };
}

describe("the round", () => {
  test("asks the owner first for one picture, another edge first for the next", async () => {
    const map = demoMap();
    const photos = photosNamed("a", "b");
    const asked: string[] = [];
    const ask: Ask = async ({ edge, url }) => {
      asked.push(`${edge} ${url.split("/puddle/")[1] ?? ""}`);
      return answered("mir-edge-1; hit");
    };
    await runRound({ photos, map, ask, signal });
    const [a, b] = photos.map((photo) => map.ownerFirst(photo).map((edge) => edge.name));
    if (a === undefined || b === undefined) throw new Error("no owners");
    expect(asked.slice(0, 6)).toEqual([
      `${a[0]} a/md/a.jpg`,
      `${a[1]} a/md/a.jpg`,
      `${a[2]} a/md/a.jpg`,
      `${a[0]} a/md/a.jpg`,
      `${a[0]} a/sm/a.jpg`,
      `${a[1]} a/xs/a.webp`,
    ]);
    const second = asked.filter((line) => line.includes(" b/"));
    expect(second.slice(0, 2)).toEqual([`${b[1]} b/md/b.jpg`, `${b[0]} b/md/b.jpg`]);
  });

  test("passes by pictures that cannot be decoded, and has an end when none can", async () => {
    const map = demoMap();
    const names = Array.from({ length: DEMO_LIMITS.roundPhotosTried + 5 }, (_, i) => `p${i}`);
    const damaged: Ask = async () => answered("", 422);
    const rows = await runRound({ photos: photosNamed(...names), map, ask: damaged, signal });
    expect(rows).toHaveLength(DEMO_LIMITS.roundPhotosTried);
    const mixed: Ask = async ({ url }) =>
      url.includes("/bad") ? answered("", 422) : answered("mir-edge-1; hit");
    const some = await runRound({ photos: photosNamed("bad1", "good"), map, ask: mixed, signal });
    expect(some.filter((r) => r.photo === "bad1")).toHaveLength(1);
    expect(some.filter((r) => r.photo === "good").length).toBeGreaterThan(5);
  });

  test("is enough with a few good pictures", async () => {
    const names = Array.from({ length: DEMO_LIMITS.roundPhotos + 3 }, (_, i) => `p${i}`);
    const ask: Ask = async () => answered("mir-edge-1; hit");
    const rows = await runRound({ photos: photosNamed(...names), map: demoMap(), ask, signal });
    expect(new Set(rows.map((r) => r.photo)).size).toBe(DEMO_LIMITS.roundPhotos);
  });

  test("ends when the demo is stopped", async () => {
    const stop = new AbortController();
    const ask: Ask = async () => {
      stop.abort();
      return answered("mir-edge-1; hit");
    };
    const photos = photosNamed("a", "b");
    const rows = await runRound({ photos, map: demoMap(), ask, signal: stop.signal });
    expect(rows).toHaveLength(1);
  });
});

describe("the table of the round", () => {
  test("tells what the asked edge did, and the nodes behind it", () => {
    const table = roundTable(
      [
        row(answered(`${PEER}, mir-edge-1; fwd=uri-miss; detail=peer`)),
        row(answered("mir-edge-1; hit")),
        row(answered("", 422)),
        row({ failed: "connection refused", ms: 1 }),
      ],
      plain,
    );
    expect(table.split("\n")).toEqual([
      "picture  variant  asked   outcome  answered by                         status    bytes   ms",
      "───────  ───────  ──────  ───────  ──────────────────────────────────  ──────  ───────  ───",
      "alps     md.jpg   edge-1  peer     regional-1 origin, edge-2 upstream  200     2.0 KiB   12",
      "alps     md.jpg   edge-1  hit      edge-1 hit                          200     2.0 KiB   12",
      "alps     md.jpg   edge-1  refused                                      422     2.0 KiB   12",
      "alps     md.jpg   edge-1  failed   connection refused                  —             —  1.0",
    ]);
  });

  test("has colour where it is wanted, in columns as without", () => {
    const rows = [row(answered("mir-edge-1; hit"))];
    const colourful = roundTable(rows, makePaint(true));
    expect(colourful).toContain("\x1b[32mhit\x1b[0m");
    expect(Bun.stripANSI(colourful)).toBe(roundTable(rows, plain));
  });

  test("any table has a width for its widest text, wide characters counted as two", () => {
    const columns = [
      { head: "a", right: false },
      { head: "n", right: true },
    ];
    const lines = formatTable(columns, [
      ["日本", "1"],
      ["b", "22"],
    ]).split("\n");
    expect(lines.slice(2)).toEqual(["日本   1", "b     22"]);
  });
});

describe("the verdict of the round", () => {
  const chains = [
    `${PEER}, mir-edge-1; fwd=uri-miss; detail=peer`,
    "mir-edge-1; hit",
    "mir-edge-1; fwd=uri-miss; detail=generated; stored",
  ];

  test("is good when every way of coming by a picture was seen, in any member", () => {
    const summary = summarize(chains.map((chain) => row(answered(chain))));
    expect(summary.missing).toEqual([]);
    expect(summary.atEdge).toMatchObject({ peer: 1, hit: 1, generated: 1, origin: 0 });
    expect(summary.anywhere).toMatchObject({
      peer: 1,
      hit: 1,
      generated: 1,
      origin: 1,
      upstream: 1,
    });
    expect(summaryLines(summary, plain)).toEqual([
      "3 requests: 1 hit, 1 peer, 1 generated",
      "what all nodes on the way did, the asked edge with them: " +
        "hit 1, peer 1, upstream 1, origin 1, generated 1",
    ]);
  });

  test("names what is missing", () => {
    const summary = summarize(chains.slice(1).map((chain) => row(answered(chain))));
    expect(summary.missing).toEqual(["peer", "upstream", "origin"]);
    expect(summaryLines(summary, plain)).toContain("not seen: peer, upstream, origin");
  });

  test("an answer with a Cache-Status that says nothing has failed", () => {
    const summary = summarize([
      row(answered("nonsense")),
      row({ failed: "cut", ms: 1 }),
      row(answered("", 422)),
    ]);
    expect([summary.failed, summary.refused]).toEqual([2, 1]);
  });

  test("pictures that are all damaged are said to be so", () => {
    const lines = summaryLines(summarize([row(answered("", 422))]), plain);
    expect(lines).toContain("none of the pictures asked for can be decoded");
  });

  test("for machines it is one document with every member", () => {
    const rows = [row(answered(chains[0] ?? "")), row({ failed: "cut", ms: 0.26 })];
    const document: unknown = JSON.parse(roundJson(rows, summarize(rows)));
    expect(document).toMatchObject({
      ok: false,
      summary: { requests: 2, failed: 1 },
      rows: [
        {
          photo: "alps",
          variant: "md.jpg",
          edge: "edge-1",
          outcome: "peer",
          status: 200,
          bytes: 2048,
          ms: 12.3,
          cacheStatus: [
            { node: "regional-1", source: "origin" },
            { node: "edge-2", source: "upstream" },
            { node: "edge-1", source: "peer" },
          ],
        },
        { failed: "cut", outcome: "failed", ms: 0.3 },
      ],
    });
  });
});
