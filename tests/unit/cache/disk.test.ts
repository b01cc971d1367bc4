/** The cache on a file system that has less than its capacity. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { type DiskFigures, watchDisk } from "../../../src/cache/disk.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import { type CacheDir, makeCacheDir, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const MiB = 1 << 20;
const PLENTY: DiskFigures = {
  bsize: 4096,
  blocks: 1 << 20,
  bavail: 1 << 19,
  files: 1 << 20,
  ffree: 1 << 19,
};

/** A file system of 100 MiB with so much of it free. */
function freeBytes(bytes: number): DiskFigures {
  return { ...PLENTY, blocks: (100 * MiB) / 4096, bavail: Math.floor(bytes / 4096) };
}

function watched(of: CacheDir) {
  let figures = PLENTY;
  const { log, lines } = watchedParts();
  const memory = createCounterMemory(1);
  const look = watchDisk({
    ...{ memory: of.memory, dir: of.dir, log, clock: systemClock },
    counters: openCounters(memory, 0),
    readDisk: () => figures,
  });
  return {
    lines,
    evicted: () => readCounters(memory).evicted,
    async look(now: DiskFigures) {
      figures = now;
      await look();
    },
  };
}

function fillUp(of: CacheDir, count: number): void {
  for (let n = 0; n < count; n++) putBytes(of.cache, relnameOfNumber(n), 60_000);
}

describe("a file system with less than the capacity", () => {
  test("is the limit: what is there and what is free, less a fiftieth of all", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const disk = watched(of);
    fillUp(of, 10);
    const { bytes } = of.cache.usage();
    await disk.look(freeBytes(7 * MiB));
    expect(of.cache.usage().limitBytes).toBe(bytes + 5 * MiB);
    expect(of.cache.usage().capacityBytes).toBe(50 * MiB);
    expect(of.cache.reserve(6 * MiB)).toBeUndefined();
    using fits = of.cache.reserve(4 * MiB);
    expect(fits).toBeDefined();
  });

  test("what it has no room for any more is evicted, and counted", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const disk = watched(of);
    fillUp(of, 100);
    await disk.look(freeBytes(MiB));
    // one MiB free where two should be
    expect(disk.evicted()).toBeGreaterThanOrEqual(16);
    expect(of.cache.usage().variants).toBe(100 - disk.evicted());
    expect(of.cache.usage().bytes).toBeLessThanOrEqual(of.cache.usage().limitBytes);
    expect(checkIndex(of.memory)).toEqual([]);
  });

  test("files that are being written are not counted twice", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const disk = watched(of);
    using room = of.cache.reserve(8 * MiB);
    const temp = of.cache.tempPath();
    writeFileSync(temp, Buffer.alloc(8 * MiB, 1));
    await disk.look(freeBytes(3 * MiB));
    expect(room?.bytes).toBe(8 * MiB);
    const { limitBytes, bytes } = of.cache.usage();
    expect(limitBytes).toBe(bytes + 9 * MiB);
    rmSync(temp);
  });

  test("its inodes are a limit like its bytes", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const disk = watched(of);
    fillUp(of, 100);
    await disk.look({ ...PLENTY, files: 1000, ffree: 10 });
    expect(of.cache.usage().variants).toBe(90);
    await disk.look({ ...PLENTY, files: 0, ffree: 0 });
    expect(putBytes(of.cache, relnameOfNumber(200), 10)).toBe("published");
    expect(of.cache.usage().variants).toBe(91);
  });

  test("is told once when it becomes the limit, and once when it no longer is", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const disk = watched(of);
    for (const figures of [PLENTY, freeBytes(MiB), freeBytes(MiB), PLENTY, PLENTY]) {
      await disk.look(figures);
    }
    const told = disk.lines.map((line) => line.split(" ").find((word) => word.includes("cache.")));
    expect(told).toEqual(["cache.disk_is_less", "cache.disk_has_room"]);
  });

  test("one that cannot be looked at leaves things as they are", async () => {
    using of = makeCacheDir({ capacityBytes: 50 * MiB });
    const { log } = watchedParts();
    const look = watchDisk({
      ...{ memory: of.memory, dir: of.dir, log, clock: systemClock },
      counters: openCounters(createCounterMemory(1), 0),
      readDisk: () => {
        throw new Error("EIO");
      },
    });
    await look();
    expect(of.cache.usage().limitBytes).toBe(50 * MiB);
  });
});

test("folders that eviction leaves empty go with the last of their files", () => {
  using of = makeCacheDir({ capacityBytes: MiB });
  for (let n = 0; n < 200; n++) {
    const id = `${n.toString(36).padStart(2, "0")}${n.toString(36).padStart(4, "x")}-picture`;
    const folder = `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}`;
    expect(putBytes(of.cache, `${folder}/md/${id}.jpg`, 60_000)).toBe("published");
  }
  const folders = readdirSync(of.dir).filter((name) => name !== ".mir");
  expect(folders.length).toBe(of.cache.usage().variants);
  expect(checkIndex(of.memory)).toEqual([]);
}, 20_000);

describe("a cache directory that cannot be written", () => {
  /** A file where its folder belongs: nobody can write below that, not even root. */
  function spoil(of: CacheDir, relname: string): string {
    const folder = dirname(join(of.dir, relname));
    mkdirSync(dirname(folder), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, "in the way");
    return folder;
  }

  test("refuses what was to be kept, counts it and says so", () => {
    using of = makeCacheDir();
    const relname = relnameOfNumber(1);
    const folder = spoil(of, relname);
    for (let i = 0; i < 3; i++) expect(putBytes(of.cache, relname)).toBe("refused");
    expect(of.counters()["cache_write_failed"]).toBe(3);
    expect(of.logged.filter(({ event }) => event === "cache.publish_failed")).toHaveLength(3);
    expect(of.cache.usage().unwritable).toBe(true);
    rmSync(folder);
    expect(putBytes(of.cache, relname)).toBe("published");
    expect(of.cache.usage().unwritable).toBe(false);
    expect(checkIndex(of.memory)).toEqual([]);
  });

  test("is left alone for a while when it goes on refusing", () => {
    using of = makeCacheDir();
    const relname = relnameOfNumber(1);
    spoil(of, relname);
    for (let i = 0; i < 5; i++) expect(putBytes(of.cache, relname)).toBe("refused");
    expect(of.cache.reserve(1)).toBeUndefined();
    const paused = of.logged.filter(({ event }) => event === "cache.writes_paused");
    expect(paused).toHaveLength(1);
  });

  test("a folder for temporary files that is gone is made again", () => {
    using of = makeCacheDir();
    rmSync(join(of.dir, ".mir", "tmp"), { recursive: true });
    const file = of.cache.openTemp();
    if (file === undefined) throw new Error("no file");
    of.cache.writeTemp(file, Buffer.from("hello"), 0);
    expect(readFileSync(file.path, "utf8")).toBe("hello");
    rmSync(join(of.dir, ".mir", "tmp"), { recursive: true });
    writeFileSync(of.cache.nameTemp() ?? "no name", "made elsewhere");
  });

  test("no temporary file is a fact, not an error", () => {
    using of = makeCacheDir();
    rmSync(join(of.dir, ".mir", "tmp"), { recursive: true });
    writeFileSync(join(of.dir, ".mir", "tmp"), "in the way");
    expect(of.cache.openTemp()).toBeUndefined();
    expect(of.counters()["cache_write_failed"]).toBe(1);
    expect(of.cache.nameTemp()).toBeUndefined();
    expect(of.counters()["cache_write_failed"]).toBe(2);
  });
});
