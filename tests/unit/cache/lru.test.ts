/** Sampled LRU. */

import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { saveCache, takeCheckpoint } from "../../../src/cache/checkpoint.ts";
import { HEADER } from "../../../src/cache/layout.ts";
import { nameOf } from "../../../src/cache/names.ts";
import { makeEviction } from "../../../src/cache/policy.ts";
import { rebuild } from "../../../src/cache/rebuild.ts";
import { openView } from "../../../src/cache/view.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { evictionContract } from "../../contract/eviction.ts";
import { type CacheDir, makeCacheDir, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { type Driven, drive, nameOfNumber } from "../../support/driven-index.ts";

evictionContract("lru");

function driveLru(variants: number, slots = 1024): Driven {
  return drive({ slots, capacityBytes: variants * 4096, eviction: "lru" });
}

describe("LRU", () => {
  test("evicts what was asked for longest ago, where the sample is all there is", () => {
    const driven = driveLru(100);
    for (let n = 0; n < 12; n++) driven.admit(nameOfNumber(n));
    for (const n of [0, 5, 3]) {
      driven.hit(nameOfNumber(n));
      driven.admit(nameOfNumber(100 + n));
    }
    const victims = Array.from({ length: 15 }, () => driven.evict());
    const order = [1, 2, 4, 6, 7, 8, 9, 10, 11, 0, 100, 5, 105, 3, 103];
    expect(victims).toEqual(order.map(nameOfNumber));
  });

  test("evicts out of many what is among the oldest", () => {
    const driven = driveLru(2000, 4096);
    for (let n = 0; n < 2000; n++) driven.admit(nameOfNumber(n));
    const ages = Array.from({ length: 200 }, () => Number(driven.evict()?.slice(18, -4)));
    const mean = ages.reduce((sum, one) => sum + one, 0) / ages.length;
    // the expected smallest of 16 out of 2000 is 118; blind choice would be 1000
    expect(mean).toBeLessThan(250);
  });

  test("still knows the order after the index was mended", () => {
    const driven = driveLru(100);
    for (let n = 0; n < 7; n++) driven.admit(nameOfNumber(n));
    for (let n = 6; n >= 0; n--) {
      driven.hit(nameOfNumber(n));
      driven.admit(nameOfNumber(20 + n));
    }
    rebuild(driven.view, driven.eviction, 3);
    const victims = Array.from({ length: 14 }, () => driven.evict());
    const order = Array.from({ length: 7 }, (_, i) => [6 - i, 26 - i]).flat();
    expect(victims).toEqual(order.map(nameOfNumber));
  });

  test("keeps its time over the end of its 32 bits", () => {
    const driven = driveLru(100);
    driven.view.words[HEADER.recency] = -5;
    for (let n = 0; n < 10; n++) driven.admit(nameOfNumber(n));
    for (let n = 0; n < 10; n++) expect(driven.evict()).toBe(nameOfNumber(n));
  });

  test("knows after a stop what was asked for when, also what came after the checkpoint", async () => {
    using made = makeCacheDir({ eviction: "lru" });
    for (let n = 0; n < 8; n++) putBytes(made.cache, relnameOfNumber(n));
    for (const n of [2, 0]) {
      expect(made.cache.look(relnameOfNumber(n))).toBeDefined();
      putBytes(made.cache, relnameOfNumber(90 + n));
    }
    const { memory, dir, restored } = made;
    const { tombstones } = restored;
    const options = { memory, dir, log: silentLog, clock: systemClock, tombstones };
    expect(await takeCheckpoint({ ...options, idleBytes: 0 })).toBe(true);
    putBytes(made.cache, relnameOfNumber(95));
    using again = made.restart();
    expect(checkIndex(again.memory)).toEqual([]);
    const wanted = [1, 3, 4, 5, 6, 7, 2, 92, 0, 90, 95];
    expect(victimsOf(again)).toEqual(wanted.map((n) => relnameOfNumber(n)));
  });

  test("takes over from another policy, and leaves to another, with every variant", () => {
    using made = makeCacheDir({ eviction: "s3-fifo" });
    for (let n = 0; n < 8; n++) putBytes(made.cache, relnameOfNumber(n));
    save(made);
    const lru = made.restart({ eviction: "lru" });
    expect(checkIndex(lru.memory)).toEqual([]);
    // what is new is newer than all that was here
    putBytes(lru.cache, relnameOfNumber(50));
    lru.cache.look(relnameOfNumber(3));
    save(lru);
    const fifo = lru.restart({ eviction: "s3-fifo" });
    expect(checkIndex(fifo.memory)).toEqual([]);
    expect(fifo.cache.usage().variants).toBe(9);
    save(fifo);
    const back = fifo.restart({ eviction: "lru" });
    expect(checkIndex(back.memory)).toEqual([]);
    putBytes(back.cache, relnameOfNumber(60));
    expect(victimsOf(back).at(-1)).toBe(relnameOfNumber(60));
    back[Symbol.dispose]();
  });
});

function save({ memory, dir, restored: { tombstones } }: CacheDir): void {
  saveCache({ memory, dir, log: silentLog, clock: systemClock, tombstones });
}

/** In the order in which they would go; for a few, which the sample all sees. Spoils the index. */
function victimsOf({ memory }: CacheDir): string[] {
  const view = openView(memory);
  const eviction = makeEviction(view);
  const names: string[] = [];
  for (let slot = eviction.victim(); slot >= 0; slot = eviction.victim()) {
    names.push(nameOf(view, slot));
  }
  return names;
}
