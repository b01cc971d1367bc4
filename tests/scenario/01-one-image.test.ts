/** One picture through three levels: edge, regional, origin. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { membersOf, outcomeOf } from "../support/cache-status.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
let photos: string;
let mesh: Mesh;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  mkdirSync(photos, { recursive: true });
  await writePicture(photos, "harbour.jpg", { width: 3000, height: 2000 });
  await writePicture(photos, "portrait.jpg", { width: 1600, height: 1200, orientation: 6 });
  await writePicture(photos, "logo-alpha.png", { width: 500, height: 400, alpha: true });
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1", "regional-2"],
    origin: { origin_dir: photos },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

/** The edge that owns the id is the one that does not answer `peer`. */
async function askEverywhere(path: string): Promise<Map<string, Response>> {
  const answers = new Map<string, Response>();
  for (const edge of EDGES) answers.set(edge, await mesh.get(edge, path));
  return answers;
}

describe("one picture through three levels", () => {
  test("comes from the origin through a regional, is made small, and is the same everywhere", async () => {
    const answers = [...(await askEverywhere("/puddle/harbour/md/a.jpg")).values()];
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map((a) => a.headers.get("etag"))).size).toBe(1);
    const bodies = await Promise.all(answers.map((a) => a.clone().bytes()));
    expect(Buffer.compare(bodies[0] ?? Buffer.of(), bodies[1] ?? Buffer.of(1))).toBe(0);
    const [first] = answers;
    if (first === undefined) throw new Error("no answer");
    expect(await pictureOf(first)).toMatchObject({ format: "jpeg", width: 1024, height: 683 });
  });

  test("every later request is a hit at the owner and streamed from it elsewhere", async () => {
    const answers = await askEverywhere("/puddle/harbour/md/a.jpg");
    const outcomes = [...answers.values()].map(outcomeOf).sort();
    expect(outcomes).toEqual(["hit", "peer", "peer"]);
    for (const answer of answers.values()) {
      if (outcomeOf(answer) === "peer") expect(membersOf(answer).at(0)?.hit).toBe(true);
    }
    const streams = await Promise.all(EDGES.map((e) => mesh.counter(e, "cross_peer_stream")));
    expect(streams.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(4);
  });

  test("the status tells each node on the way", async () => {
    const answers = await askEverywhere("/puddle/portrait/sm/a.webp");
    const fetched = [...answers.values()].find((a) =>
      membersOf(a).some((m) => m.detail === "upstream"),
    );
    if (fetched === undefined) throw new Error("nobody went upstream");
    const [regional, edge] = membersOf(fetched);
    expect(regional).toMatchObject({ detail: "origin", stored: true });
    expect(regional?.cache).toMatch(/^mir-regional-[12]$/);
    expect(edge).toMatchObject({ detail: "upstream", stored: true });
  });

  test("what a peer is asked is counted once", async () => {
    const asked = async (): Promise<number> => {
      const counts = await Promise.all(EDGES.map((edge) => mesh.counter(edge, "peer_request")));
      return counts.reduce((a, b) => a + b);
    };
    const before = await asked();
    const answers = [...(await askEverywhere("/puddle/portrait/sm/a.webp")).values()];
    const fromPeers = answers.filter((a) => membersOf(a).at(-1)?.detail === "peer");
    expect(fromPeers.length).toBeGreaterThan(0);
    expect((await asked()) - before).toBe(fromPeers.length);
  });

  test("a picture lying on its side comes upright", async () => {
    const answer = await mesh.get("edge-1", "/puddle/portrait/md/a.jpg");
    const { width, height, orientation } = await pictureOf(answer);
    expect([width, height]).toEqual([576, 768]);
    expect(orientation ?? 1).toBe(1);
  });

  test("auto is what the client accepts best, and what keeps alpha when it accepts nothing special", async () => {
    const types: string[] = [];
    for (const accept of ["image/avif,image/webp,*/*", "image/webp", "*/*"]) {
      const answer = await mesh.get("edge-2", "/puddle/logo-alpha/sm/a.auto", {
        headers: { accept },
      });
      expect(answer.headers.get("vary")).toMatch(/accept/i);
      types.push(answer.headers.get("content-type") ?? "");
      await answer.bytes();
    }
    expect(types).toEqual(["image/avif", "image/webp", "image/png"]);
  });

  test("a class that would not shrink it is the class that holds it whole", async () => {
    const md = await mesh.get("edge-3", "/puddle/logo-alpha/md/a.png");
    const xl = await mesh.get("edge-3", "/puddle/logo-alpha/xl/a.png");
    expect(xl.headers.get("etag")).toBe(md.headers.get("etag") ?? "none");
    expect(await pictureOf(xl)).toMatchObject({ width: 500, height: 400 });
    await md.bytes();
  });

  test("orig is the stored bytes, typed by what they are", async () => {
    for (const edge of EDGES) {
      const answer = await mesh.get(edge, "/puddle/logo-alpha/orig/a.jpg");
      expect(answer.headers.get("content-type")).toBe("image/png");
      const source = await Bun.file(join(photos, "logo-alpha.png")).bytes();
      expect(Buffer.compare(await answer.bytes(), source)).toBe(0);
    }
  });

  test("conditions, ranges and HEAD answer for what is stored", async () => {
    const path = "/puddle/harbour/md/a.jpg";
    for (const edge of EDGES) {
      const whole = await mesh.get(edge, path);
      const bytes = await whole.bytes();
      const etag = whole.headers.get("etag") ?? "";
      const notModified = await mesh.get(edge, path, { headers: { "if-none-match": etag } });
      expect(notModified.status).toBe(304);
      const part = await mesh.get(edge, path, { headers: { range: "bytes=100-199" } });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes 100-199/${bytes.length}`);
      expect(Buffer.compare(await part.bytes(), bytes.subarray(100, 200))).toBe(0);
      const beyond = await mesh.get(edge, path, { headers: { range: `bytes=${bytes.length}-` } });
      expect(beyond.status).toBe(416);
      await beyond.bytes();
      const head = await mesh.get(edge, path, { method: "HEAD" });
      expect(head.headers.get("content-length")).toBe(String(bytes.length));
      expect(head.headers.get("etag")).toBe(etag);
    }
  });

  test("what does not exist is a 404 that may be kept for five seconds", async () => {
    const answer = await mesh.get("edge-1", "/puddle/no-such-picture/md/a.jpg");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("cache-control")).toContain("max-age=5");
    expect(await answer.json()).toMatchObject({ error: { code: "not_found" } });
  });

  test("short names and names with dots are web ids too", async () => {
    await writePicture(photos, "cat.png", { width: 300, height: 200 });
    await writePicture(photos, "v1.2.png", { width: 300, height: 200 });
    for (const name of ["cat", "v1.2"]) {
      const answer = await mesh.get("edge-2", `/puddle/${name}/xs/a.png`);
      expect(await pictureOf(answer)).toMatchObject({ width: 160, height: 107 });
    }
  });
});

describe("sources", () => {
  test("a thumbnail asked for after md is made from md: the original is not read again", async () => {
    await writePicture(photos, "meadow-01.jpg", { width: 2400, height: 1600 });
    const answers = await askEverywhere("/puddle/meadow-01/md/a.jpg");
    for (const answer of answers.values()) await answer.bytes();
    const origins = async (): Promise<number> => {
      const counts = await Promise.all(
        ["regional-1", "regional-2"].map((r) => mesh.counter(r, "origin_get")),
      );
      return counts.reduce((a, b) => a + b);
    };
    const upstream = async (): Promise<number> => {
      const counts = await Promise.all(EDGES.map((e) => mesh.counter(e, "upstream_fetch")));
      return counts.reduce((a, b) => a + b);
    };
    const before = [await origins(), await upstream()];
    const smaller = [...(await askEverywhere("/puddle/meadow-01/xs/a.jpg")).values()];
    expect(smaller.flatMap(membersOf).some((m) => m.detail === "generated")).toBe(true);
    expect([await origins(), await upstream()]).toEqual(before);
    for (const answer of smaller) {
      expect(await pictureOf(answer)).toMatchObject({ width: 160, height: 107 });
    }
  });
});
