/** Directories of a cache that are out of order, and come back. */

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { metaOf, put, putBytes, variantsBelow } from "../../support/cache-dir.ts";
import { countsOf, diskOf, eventsOf, makeDisks, numbers, unmount } from "../../support/disk-set.ts";

const MiB = 1 << 20;
const TWO = { dirs: { a: 4 * MiB, b: 4 * MiB } };
const THREE = { dirs: { a: 2 * MiB, b: 2 * MiB, c: 4 * MiB } };

describe("a disk that is not there", () => {
  test("takes only its share away; what was there is kept elsewhere, and found again with it", async () => {
    using of = makeDisks(THREE);
    const relnames = numbers(100);
    for (const relname of relnames) putBytes(of.cache, relname);
    const before = countsOf(of);
    const away = unmount(of, "c");
    await of.set.look();
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "well", "failed"]);
    expect(of.counters()["cache_disk_failed"]).toBe(1);
    expect(eventsOf(of, "error")).toEqual(["cache.disk_failed"]);
    const missed = relnames.filter((relname) => of.cache.look(relname) === undefined);
    expect(missed.length).toBe(before["c"] ?? -1);
    for (const relname of missed) expect(putBytes(of.cache, relname)).toBe("published");
    // nothing was written in its place
    expect(readdirSync(diskOf(of, "c").dir)).toEqual([]);
    expect(relnames.filter((relname) => of.cache.look(relname) === undefined)).toEqual([]);

    away.mount();
    await of.set.look();
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "well", "well"]);
    expect(eventsOf(of, "info")).toContain("cache.disk_well");
    for (const relname of relnames) {
      expect(readFileSync(of.cache.pathOf(relname)).length).toBe(100);
    }
    for (const { memory } of of.disks) expect(checkIndex(memory)).toEqual([]);
    // and it takes more
    for (const relname of numbers(200)) putBytes(of.cache, relname);
    expect(countsOf(of)["c"]).toBeGreaterThan(before["c"] ?? 0);
    using again = of.restart();
    expect(numbers(200).filter((one) => again.cache.look(one) === undefined)).toEqual([]);
  });

  test("is told once, not at every look", async () => {
    using of = makeDisks(TWO);
    unmount(of, "b");
    for (let n = 0; n < 4; n++) await of.set.look();
    expect(eventsOf(of, "error")).toEqual(["cache.disk_failed"]);
    expect(of.logged.find(({ event }) => event === "cache.disk_failed")?.fields["why"]).toContain(
      "is it mounted?",
    );
  });

  test("at the start is left out, and comes back with what it has", async () => {
    using of = makeDisks(TWO);
    for (const relname of numbers(100)) putBytes(of.cache, relname);
    const before = countsOf(of);
    const away = unmount(of, "b");
    using again = of.restart();
    expect(again.cache.disks().map(({ state }) => state)).toEqual(["well", "failed"]);
    const found = numbers(100).filter((relname) => again.cache.look(relname) !== undefined);
    expect(found.length).toBe(before["a"] ?? -1);
    expect(readdirSync(diskOf(again, "b").dir)).toEqual([]);
    away.mount();
    await again.set.look();
    expect(numbers(100).filter((relname) => again.cache.look(relname) === undefined)).toEqual([]);
    expect(again.cache.usage().variants).toBe(100);
  });

  test("is used anew once somebody prepares it", async () => {
    using of = makeDisks(TWO);
    for (const relname of numbers(50)) putBytes(of.cache, relname);
    const { dir, memory } = diskOf(of, "b");
    unmount(of, "b");
    await of.set.look();
    mkdirSync(join(dir, ".mir"));
    await of.set.look();
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "well"]);
    const missed = numbers(50).filter((relname) => of.cache.look(relname) === undefined);
    expect(missed.length).toBeGreaterThan(5);
    for (const relname of missed) expect(putBytes(of.cache, relname)).toBe("published");
    expect(variantsBelow(dir).length).toBe(missed.length);
    expect(checkIndex(memory)).toEqual([]);
  });

  test("is not taken for another one", async () => {
    using of = makeDisks(TWO);
    writeFileSync(join(diskOf(of, "b").dir, ".mir", "disk"), "0123456789abcdef\n");
    await of.set.look();
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "failed"]);
  });

  test("as the first one there is no start", () => {
    const prepare = (root: string): void => writeFileSync(join(root, "a"), "in the way");
    expect(() => makeDisks({ ...TWO, prepare })).toThrow();
  });

  test("beside it others start", () => {
    const prepare = (root: string): void => writeFileSync(join(root, "b"), "in the way");
    using of = makeDisks({ ...TWO, prepare });
    expect(of.cache.disks().map(({ state }) => state)).toEqual(["well", "failed"]);
    for (const relname of numbers(20)) expect(putBytes(of.cache, relname)).toBe("published");
    expect(countsOf({ ...of, disks: [diskOf(of, "a")] })).toEqual({ a: 20 });
  });
});

test("a purge while a disk is away holds when it is back", async () => {
  using of = makeDisks(TWO);
  for (const relname of numbers(40)) put(of.cache, metaOf(relname, 100, { sourceAt: 1_000 }));
  const away = unmount(of, "b");
  using again = of.restart();
  const ids = numbers(40).map((relname) => relname.slice(relname.lastIndexOf("/") + 1, -4));
  const purgedAt = systemClock.wallSeconds();
  again.set.tombstones.apply(ids.map((id) => ({ id, purgedAt, action: "purge" })));
  for (const relname of numbers(40)) again.cache.forget(relname);
  away.mount();
  await again.set.look();
  expect(again.cache.disks().map(({ state }) => state)).toEqual(["well", "well"]);
  expect(again.cache.usage().variants).toBe(0);
  expect(numbers(40).filter((relname) => again.cache.look(relname) !== undefined)).toEqual([]);
});

test("a single directory whose tree is removed heals: the next look makes its journal anew", async () => {
  using of = makeDisks({ dirs: { a: 4 * MiB } });
  for (const relname of numbers(20)) putBytes(of.cache, relname);
  const { dir, memory } = diskOf(of, "a");
  rmSync(dir, { recursive: true });
  await of.set.look();
  for (const relname of numbers(20)) {
    if (!existsSync(of.cache.pathOf(relname))) of.cache.forget(relname);
    expect(putBytes(of.cache, relname)).toBe("published");
  }
  expect(variantsBelow(dir).length).toBe(20);
  expect(checkIndex(memory)).toEqual([]);
  using again = of.restart();
  expect(numbers(20).filter((relname) => again.cache.look(relname) === undefined)).toEqual([]);
});
