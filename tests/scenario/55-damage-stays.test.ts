/** A file that its disk has spoiled stays where it is, and is mended: what goes to peers or into memory is looked at first. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { relnameOf } from "../../src/base/variant.ts";
import { drawNoise } from "../support/image-jobs.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

setDefaultTimeout(60_000);

const EDGES = ["edge-1", "edge-2"];
let photos: TempDir;
let mesh: Mesh;

beforeAll(async () => {
  photos = makeTempDir();
  mesh = await startMesh({
    edges: EDGES,
    origin: { origin_dir: photos.path },
    server: { workers: 1, ram: "16MiB" },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos?.[Symbol.dispose]();
});

/** Other bytes of the same length, behind the index. */
function spoil(edge: string, id: string): void {
  const relname = relnameOf({ id, size: "orig", ext: "jpg" });
  const fd = openSync(join(mesh.node(edge).cacheDir, relname), "r+");
  writeSync(fd, "spoiled by the disk", 1000);
  closeSync(fd);
}

async function got(edge: string, id: string, size = "orig"): Promise<Uint8Array> {
  const answer = await mesh.get(edge, `/puddle/${id}/${size}/a.jpg`);
  expect(answer.status).toBe(200);
  return answer.bytes();
}

describe("a damaged file at its owner", () => {
  for (const [what, side] of [
    ["small", 300],
    ["large", 1800],
  ] as const) {
    test(`reaches no peer: ${what}`, async () => {
      const id = `spoiled-${what}`;
      const picture = new Uint8Array(await drawNoise(side, side));
      photos.write(`${id}.jpg`, picture);
      const [owner = "", asker = ""] = await ranksOf(mesh.topologyFile, 0, id);
      expect(await got(owner, id)).toEqual(picture);
      const damaged = await mesh.counter(owner, "corrupt");
      spoil(owner, id);
      // a large one has begun when its end shows what it is: cut, and never taken for whole
      const first = await got(asker, id).catch(() => undefined);
      if (first !== undefined) expect(first).toEqual(picture);
      for (let i = 0; i < 6; i++) expect(await got(asker, id)).toEqual(picture);
      expect(await got(owner, id)).toEqual(picture);
      expect(await mesh.counter(owner, "corrupt")).toBe(damaged + 1);
    });
  }

  test("is nothing that others are made from", async () => {
    const picture = new Uint8Array(await drawNoise(1200, 900));
    const id = "spoiled-source";
    const twin = "whole-source";
    for (const one of [id, twin]) photos.write(`${one}.jpg`, picture);
    const [owner = ""] = await ranksOf(mesh.topologyFile, 0, id);
    const [elsewhere = ""] = await ranksOf(mesh.topologyFile, 0, twin);
    expect(await got(owner, id)).toEqual(picture);
    spoil(owner, id);
    // one alone: of several at once the smaller may be made from the larger, which are other bytes
    expect(await got(owner, id, "sm")).toEqual(await got(elsewhere, twin, "sm"));
    expect(await got(owner, id)).toEqual(picture);
  });

  test("is not held in memory, and mended when it would be", async () => {
    const id = "spoiled-hot";
    const picture = new Uint8Array(await drawNoise(300, 300));
    photos.write(`${id}.jpg`, picture);
    const [owner = ""] = await ranksOf(mesh.topologyFile, 0, id);
    expect(await got(owner, id)).toEqual(picture);
    spoil(owner, id);
    const damaged = await mesh.counter(owner, "corrupt");
    // hits are sent as they lie; what is asked for often is read for memory, and looked at
    for (let i = 0; i < 4; i++) await got(owner, id);
    expect(await mesh.counter(owner, "corrupt")).toBe(damaged + 1);
    for (let i = 0; i < 4; i++) expect(await got(owner, id)).toEqual(picture);
  });
});
