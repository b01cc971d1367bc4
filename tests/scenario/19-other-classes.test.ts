/** Classes of a site are changed, one node after the other: nobody is sent what a class was before. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "smol-toml";
import { membersOf } from "../support/cache-status.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";

const EDGES = ["edge-1", "edge-2"];
const ALL = [...EDGES, "regional-1"];
const PICTURES = 6;
const BEFORE = [
  { name: "sm", width: 320, height: 320 },
  { name: "md", width: 600, height: 600 },
  { name: "lg", width: 1000, height: 1000 },
];
/** One is new, in the middle; one says something else; one is as it was, in another place. */
const AFTER = [
  { name: "sm", width: 320, height: 320 },
  { name: "hero", width: 400, height: 400 },
  { name: "md", width: 800, height: 800 },
  { name: "lg", width: 1000, height: 1000 },
];

const photos = makeTempDir();
let mesh: Mesh;

beforeAll(async () => {
  for (let n = 0; n < PICTURES; n++) {
    await writePicture(photos.path, `harbour-${n}.jpg`, { width: 1600, height: 1200 });
  }
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
    tables: { sizes: BEFORE },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

/** Widths of a class by picture, as an edge answers. */
async function widths(edge: string, size: string): Promise<readonly unknown[]> {
  return Promise.all(
    Array.from({ length: PICTURES }, async (_, n) => {
      const answer = await mesh.get(edge, `/puddle/harbour-${n}/${size}/a.jpg`);
      if (answer.status !== 200) return answer.status;
      return (await pictureOf(answer)).width;
    }),
  );
}

const every = (width: number): readonly number[] => Array.from({ length: PICTURES }, () => width);

async function restart(name: string): Promise<void> {
  expect(await mesh.kill(name, "SIGTERM")).toBe(0);
  await mesh.start(name);
}

describe("classes that change", () => {
  test("every node has what they say now", async () => {
    for (const edge of EDGES) {
      expect(await widths(edge, "md")).toEqual(every(600));
      expect(await widths(edge, "lg")).toEqual(every(1000));
    }
  }, 60_000);

  test("an edge that goes first sends what they say to it, whatever the others have", async () => {
    const file = parse(readFileSync(mesh.topologyFile, "utf8"));
    writeFileSync(mesh.topologyFile, stringify({ ...file, sizes: AFTER }));
    await restart("edge-1");
    expect(await widths("edge-1", "md")).toEqual(every(800));
    expect(await widths("edge-1", "hero")).toEqual(every(400));
    expect(await mesh.counter("edge-1", "shape_mismatch")).toBeGreaterThan(0);
    // and the one that has not heard yet goes on as before
    expect(await widths("edge-2", "md")).toEqual(every(600));
  }, 60_000);

  test("when all have followed, all agree, and nothing of before is left", async () => {
    await restart("regional-1");
    await restart("edge-2");
    for (const edge of EDGES) {
      expect(await widths(edge, "md")).toEqual(every(800));
      expect(await widths(edge, "hero")).toEqual(every(400));
      expect(await widths(edge, "lg")).toEqual(every(1000));
    }
    for (const name of ALL) {
      const { cache } = await mesh.status(name);
      const files = readdirSync(mesh.node(name).cacheDir, { recursive: true, encoding: "utf8" });
      const variants = files.filter((one) => /^..\/..\/..\/[a-z]+\/[^/]+$/.test(one));
      expect([name, cache.variants]).toEqual([name, variants.length]);
    }
  }, 60_000);

  test("what has kept its name and its box was never made again", async () => {
    const answer = await mesh.get("edge-1", "/puddle/harbour-0/lg/a.jpg");
    expect(membersOf(answer).some(({ detail }) => detail === "generated")).toBe(false);
    await answer.bytes();
    for (const name of ALL) await restart(name);
    const before = await mesh.counter("edge-1", "generated");
    expect(before).toBe(0);
    expect(await widths("edge-1", "lg")).toEqual(every(1000));
    for (const name of ALL) expect(await mesh.counter(name, "generated")).toBe(0);
  }, 60_000);
});
