/** Disks that are full, or smaller than the topology says: pictures are served all the same. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { noSmallDisk, smallDisk } from "../support/small-disk.ts";
import { makeTempDir } from "../support/temp-dir.ts";

setDefaultTimeout(60_000);

const reason = noSmallDisk();
const PICTURES = 30;
const MiB = 1 << 20;
const DISK_BYTES = 10 * MiB;
const nameOf = (n: number): string => `picture${n}`;

describe.skipIf(reason !== undefined)(`a disk smaller than the capacity ${reason ?? ""}`, () => {
  let photos: string;
  let mesh: Mesh;

  beforeAll(async () => {
    photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
    const jpeg = await drawJpeg({ width: 900, height: 600 });
    // decoders end at the end of the picture: what follows makes it another, larger one
    for (let n = 0; n < PICTURES; n++) {
      const tail = Buffer.alloc(MiB, `${n} `);
      writeFileSync(join(photos, `${nameOf(n)}.jpg`), Buffer.concat([jpeg, tail]));
    }
    mesh = await startMesh({
      edges: ["edge-1"],
      origin: { origin_dir: photos },
      prepare: (dir) => smallDisk(join(dir, "edge-1"), { bytes: DISK_BYTES }),
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    rmSync(photos, { recursive: true, force: true });
  });

  const ask = async (paths: readonly string[]): Promise<Record<number, number>> => {
    const statuses: Record<number, number> = {};
    await Promise.all(
      paths.map(async (path) => {
        const answer = await mesh.get("edge-1", path);
        const bytes = await answer.bytes();
        const whole = bytes.length === Number(answer.headers.get("content-length") ?? bytes.length);
        const status = whole ? answer.status : 0;
        statuses[status] = (statuses[status] ?? 0) + 1;
      }),
    );
    return statuses;
  };

  const free = (): number => {
    const { bavail, blocks } = statfsSync(mesh.node("edge-1").cacheDir);
    return bavail / blocks;
  };

  test("is told at the start", () => {
    expect(mesh.node("edge-1").log()).toContain("cache.capacity_over_disk");
  });

  test("three times its size is served, none of it failed, by evicting what is old", async () => {
    for (let n = 0; n < PICTURES; n += 2) {
      const paths = ["orig", "md", "xs"].flatMap((size) =>
        [n, n + 1].map((m) => `/puddle/${nameOf(m)}/${size}/a.jpg`),
      );
      expect(await ask(paths)).toEqual({ 200: paths.length });
    }
    expect(await mesh.counter("edge-1", "evicted")).toBeGreaterThan(10);
  });

  test("and a fiftieth of it stays free", () => {
    expect(free()).toBeGreaterThan(0.02);
  });

  test("what others fill it with is made up for, and the node goes on", async () => {
    const { cacheDir } = mesh.node("edge-1");
    const { bavail, bsize } = statfsSync(cacheDir);
    writeFileSync(join(cacheDir, "theirs"), Buffer.alloc(bavail * bsize));
    expect(free()).toBe(0);
    const paths = Array.from({ length: 20 }, (_, n) => `/puddle/${nameOf(n)}/sm/a.jpg`);
    for (const path of paths) expect(await ask([path])).toEqual({ 200: 1 });
  });

  test("nor does a full disk keep it from starting", async () => {
    const { cacheDir } = mesh.node("edge-1");
    await mesh.kill("edge-1");
    const { bavail, bsize } = statfsSync(cacheDir);
    writeFileSync(join(cacheDir, "more"), Buffer.alloc(bavail * bsize));
    expect(free()).toBe(0);
    await mesh.start("edge-1");
    for (let n = 0; n < 4; n++) {
      const paths = ["orig", "md"].map((size) => `/puddle/${nameOf(n)}/${size}/a.jpg`);
      expect(await ask(paths)).toEqual({ 200: 2 });
    }
  });

  test("nor from a clean stop, even with nothing left to give up", async () => {
    const { cacheDir } = mesh.node("edge-1");
    expect(await mesh.kill("edge-1", "SIGTERM")).toBe(0);
    rmSync(join(cacheDir, "theirs"));
    await mesh.start("edge-1");
    expect(await ask([`/puddle/${nameOf(0)}/xs/a.jpg`])).toEqual({ 200: 1 });
  });
});

describe.skipIf(reason !== undefined)(`a disk with few inodes ${reason ?? ""}`, () => {
  test("gives up pictures with their folders, and fails no request", async () => {
    using photos = makeTempDir();
    const jpeg = await drawJpeg({ width: 300, height: 200 });
    const names = Array.from({ length: 80 }, (_, n) => `k${n}picture`);
    for (const name of names) photos.write(`${name}.jpg`, Buffer.concat([jpeg, Buffer.from(name)]));
    const inodes = 200;
    await using mesh = await startMesh({
      edges: ["edge-1"],
      origin: { origin_dir: photos.path },
      prepare: (dir) => smallDisk(join(dir, "edge-1"), { bytes: 64 * MiB, inodes }),
    });
    // four folders and two files a picture: more than twice as many as there can be
    for (const name of names) {
      const answers = await Promise.all(
        ["orig", "xs"].map((size) => mesh.get("edge-1", `/puddle/${name}/${size}/a.jpg`)),
      );
      for (const answer of answers) await answer.bytes();
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    }
    expect(statfsSync(mesh.node("edge-1").cacheDir).ffree).toBeGreaterThan(0);
    const { cache, counters } = await mesh.status("edge-1");
    expect(counters["evicted"]).toBeGreaterThan(names.length);
    expect(cache.variants).toBeGreaterThan(20);
    const last = await mesh.get("edge-1", `/puddle/${names.at(-1)}/xs/a.jpg`);
    expect(last.headers.get("cache-status")).toContain("hit");
    await last.bytes();
  });
});
