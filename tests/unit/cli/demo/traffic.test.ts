/** The demo's visitors, what it says of them, and what it tells a person to try. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import type { Answer, Ask } from "../../../../src/cli/demo/ask.ts";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { parseCacheStatus } from "../../../../src/cli/demo/cache-status.ts";
import { curlLines, introJson, introLines, type Running } from "../../../../src/cli/demo/intro.ts";
import { formatTally, showLive } from "../../../../src/cli/demo/live-line.ts";
import { mapMesh } from "../../../../src/cli/demo/mesh-map.ts";
import { makePaint } from "../../../../src/cli/demo/paint.ts";
import { makeRandom } from "../../../../src/cli/demo/random.ts";
import { findSamples } from "../../../../src/cli/demo/samples.ts";
import { startTraffic, type Tally } from "../../../../src/cli/demo/traffic.ts";
import { readTopology } from "../../../../src/topology/read.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";
import { collectOutput } from "./collected-output.ts";

const plain = makePaint(false);
const { signal } = new AbortController();

function running(): Running {
  const topologyFile = join(import.meta.dir, "../../../../topology/demo.toml");
  const text = readFileSync(topologyFile, "utf8");
  const read = readTopology(text, { file: topologyFile, baseDir: "/srv" });
  if (read.kind === "mistakes") throw new Error("demo.toml has mistakes");
  const photo = (webId: string) => ({ webId, ext: "jpg", path: `/${webId}.jpg` });
  return {
    map: mapMesh(read.topology),
    photos: [photo("alps"), photo("lake")],
    drawn: true,
    stateDir: "/srv/demo",
    topologyFile,
    program: "dist/mir",
  };
}

function answered(cacheStatus: string, status = 200): Answer {
  return { status, members: parseCacheStatus(cacheStatus), contentType: "", bytes: 100, ms: 1 };
}

/** Runs the traffic for as many turns. */
async function tallyOf(options: {
  readonly ask: Ask;
  readonly turns: number;
  readonly inFlightMax?: number;
  /** Lets the answers come once the turns are over. */
  readonly release?: () => void;
}): Promise<Tally> {
  const stop = new AbortController();
  const { photos, map } = running();
  const { ask: asking, turns, release, ...limits } = options;
  let turn = 0;
  const nextTurn = async (): Promise<void> => {
    await nextTick();
    turn++;
    if (turn === turns) {
      release?.();
      await nextTick();
      stop.abort();
    }
  };
  const random = makeRandom(5);
  const { signal: ends } = stop;
  const traffic = startTraffic({
    photos,
    map,
    ask: asking,
    random,
    nextTurn,
    signal: ends,
    ...limits,
  });
  await traffic.ended;
  return traffic.tally();
}

describe("the demo's traffic", () => {
  test("is counted by what the asked edge did and by where the bytes lay", async () => {
    const answers = [
      answered("mir-edge-1; hit"),
      answered("mir-edge-2; hit, mir-edge-1; fwd=uri-miss; detail=peer"),
      answered("mir-r; fwd=uri-miss; detail=origin, mir-edge-1; fwd=uri-miss; detail=upstream"),
      answered("mir-edge-1; fwd=uri-miss; detail=generated"),
      answered("", 422),
      { failed: "cut", ms: 1 },
    ];
    let next = 0;
    const tally = await tallyOf({
      ask: async () => answers[next++] ?? { failed: "more than asked for", ms: 0 },
      turns: answers.length,
    });
    expect(tally).toEqual({
      requests: 6,
      bytes: 500,
      fromCache: 2,
      fromOrigin: 1,
      refused: 1,
      failed: 1,
      skipped: 0,
      leftOut: 1,
      atEdge: { hit: 1, peer: 1, upstream: 1, generated: 1, origin: 0, "stand-in": 0 },
    });
  });

  test("waits for no more answers than the limit; further turns are skipped", async () => {
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    let waiting = 0;
    const tally = await tallyOf({
      ask: async () => {
        waiting++;
        await gate;
        return answered("mir-edge-1; hit");
      },
      turns: DEMO_LIMITS.inFlightMax + 5,
      release: resolve,
    });
    expect(waiting).toBe(DEMO_LIMITS.inFlightMax);
    expect(tally.skipped).toBe(5);
  });

  test("asks no more for a picture that cannot be decoded, and says how many those are", async () => {
    const asked: string[] = [];
    const tally = await tallyOf({
      ask: async ({ url }) => {
        asked.push(url);
        return answered("mir-edge-1; hit", url.includes("/alps/") ? 422 : 200);
      },
      turns: 50,
    });
    expect(asked.filter((url) => url.includes("/alps/"))).toHaveLength(1);
    expect(tally).toMatchObject({ refused: 1, leftOut: 1 });
    expect(formatTally(tally, 20, plain)).toContain("left out 1");
  });

  test("asks every edge, for classes and formats a page would ask for", async () => {
    const urls: string[] = [];
    await tallyOf({
      ask: async ({ url }) => {
        urls.push(url);
        return answered("mir-edge-1; hit");
      },
      turns: 300,
    });
    expect(new Set(urls.map((url) => new URL(url).port)).size).toBe(3);
    const shape = /^\/puddle\/(alps|lake)\/(xs|sm|md|lg)\/(alps|lake)\.(jpg|webp|auto)$/;
    expect(urls.filter((url) => !shape.test(new URL(url).pathname))).toEqual([]);
  });
});

const TALLY: Tally = {
  requests: 1234,
  bytes: 5 * 2 ** 20,
  fromCache: 900,
  fromOrigin: 12,
  atEdge: { hit: 400, peer: 700, generated: 60, upstream: 40, origin: 0, "stand-in": 0 },
  refused: 34,
  failed: 0,
  skipped: 0,
  leftOut: 0,
};

describe("the live line", () => {
  test("tells requests, their rate, the share from caches, bytes and outcomes", () => {
    expect(formatTally(TALLY, 20, plain)).toBe(
      "1234 requests 20.0/s  cache 75 %  5.0 MiB  " +
        "hit 400 peer 700 generated 60 upstream 40 refused 34  (origin 12)",
    );
  });

  test("has no share before the first picture", () => {
    const none = {
      ...TALLY,
      atEdge: { ...TALLY.atEdge, hit: 0, peer: 0, generated: 0, upstream: 0 },
    };
    expect(formatTally(none, 0, plain)).toContain("cache –");
  });

  test("is left whole at the end: in place on a terminal, else a line, JSON for machines", () => {
    const text = formatTally(TALLY, 0, plain);
    const screen = collectOutput({ isTerminal: true });
    showLive(() => TALLY, { output: screen, json: false })[Symbol.dispose]();
    expect(screen.written).toEqual([`\r\x1b[2K${text}\n`]);
    const file = collectOutput();
    showLive(() => TALLY, { output: file, json: false })[Symbol.dispose]();
    expect(file.said).toEqual([text]);
    const machine = collectOutput({ isTerminal: true });
    showLive(() => TALLY, { output: machine, json: true })[Symbol.dispose]();
    expect(JSON.parse(machine.said.join(""))).toMatchObject({ event: "traffic", requests: 1234 });
  });
});

describe("what the demo says of itself", () => {
  test("every edge with its address, three commands, the dashboard, the admin socket", () => {
    const lines = introLines(running(), running().photos, plain).join("\n");
    for (const port of [8080, 8081, 8082]) expect(lines).toContain(`http://127.0.0.1:${port}`);
    expect(lines).toContain("http://127.0.0.1:8090/  the dashboard");
    expect(lines).toContain("regional-1   regional-2");
    expect(lines).toContain("2 pictures in /srv/demo/photos");
    expect(lines.match(/^ {2}curl /gm)).toHaveLength(4);
    expect(lines).toMatch(
      /curl -sS --unix-socket \S+\/edge-1\/\.mir\/admin\.sock http:\/\/mir\/status/,
    );
  });

  test("the range is of the smallest picture, at its owner", () => {
    using dir = makeTempDir();
    const photo = (webId: string, bytes: number) => ({
      webId,
      ext: "png",
      path: dir.write(`${webId}.png`, "x".repeat(bytes)),
    });
    const { map } = running();
    const small = photo("small", 10);
    const [, , range] = curlLines(map, [photo("large", 1000), small]);
    const url = map.url(map.ownerFirst(small)[0], small, { size: "orig", format: "png" });
    expect(range?.command).toBe(`curl -sS -D - -o /dev/null -r 0-65535 ${url}`);
  });

  test("no commands that could not work", () => {
    expect(introLines(running(), [], plain)).toContain(
      "None of the first pictures can be decoded.",
    );
  });

  test("samples are pictures the mesh answers, and the search has an end", async () => {
    const { map } = running();
    const photos = Array.from({ length: DEMO_LIMITS.roundPhotosTried + 1 }, (_, i) => ({
      webId: `p${i}`,
      ext: "jpg",
      path: `/p${i}.jpg`,
    }));
    let asked = 0;
    const picky: Ask = async ({ url }) => {
      asked++;
      return answered("", /p(3|5|8|9)\./.test(url) ? 200 : 422);
    };
    const found = await findSamples({ photos, map, ask: picky, signal });
    expect(found.map((photo) => photo.webId)).toEqual(["p3", "p5", "p8"]);
    asked = 0;
    const none: Ask = async () => {
      asked++;
      return answered("", 422);
    };
    expect(await findSamples({ photos, map, ask: none, signal })).toEqual([]);
    expect(asked).toBe(DEMO_LIMITS.roundPhotosTried);
  });

  test("for machines: one line with addresses and sockets", () => {
    expect(JSON.parse(introJson(running()))).toMatchObject({
      event: "running",
      edges: [
        { name: "edge-1", url: "http://127.0.0.1:8080" },
        { name: "edge-2" },
        { name: "edge-3" },
      ],
      servers: [{ name: "edge-1", level: 0 }, {}, {}, { name: "regional-1", level: 1 }, {}],
      photos: [{ webId: "alps", ext: "jpg" }, {}],
    });
  });
});
