/** Room that is made before it is needed. */

import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { HEADER, POLICIES, SUM } from "../../../src/cache/layout.ts";
import { keepRoom } from "../../../src/cache/low-water.ts";
import type { Reservation } from "../../../src/cache/reservation.ts";
import { lowMark, runsLow } from "../../../src/cache/thirst.ts";
import { openView, word } from "../../../src/cache/view.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { type CacheDir, makeCacheDir, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { until } from "../../support/until.ts";

function start(made: CacheDir, isOut = () => false) {
  const { memory, dir } = made;
  const counters = createCounterMemory(1);
  const own = { counters: openCounters(counters, 0), log: silentLog, clock: systemClock };
  const main = keepRoom({ memory, dir, isOut, ...own });
  return { main, evicted: () => readCounters(counters)["evicted"] ?? 0 };
}

describe("low water", () => {
  test.each(POLICIES)("is seen to by main, so that no fill evicts, under %s", async (eviction) => {
    using made = makeCacheDir({ capacityBytes: 4 << 20, slots: 2048, eviction });
    const view = openView(made.memory);
    const { main, evicted } = start(made);
    const cache = made.open(1);
    for (let n = 0; n < 1000; n++) {
      expect(putBytes(cache, relnameOfNumber(n), 8192)).toBe("published");
      if (runsLow(view)) await until(() => !runsLow(view));
    }
    await main.stop();
    expect(made.counters()["evicted"]).toBe(0);
    expect(evicted()).toBeGreaterThan(480);
    const { variants, bytes, capacityBytes } = cache.usage();
    expect(evicted()).toBe(1000 - variants);
    // and no more than twice the mark is given up for it
    expect(bytes).toBeGreaterThan(capacityBytes * 0.97);
    expect(checkIndex(made.memory)).toEqual([]);
    cache.close();
  });

  test("of places is seen to as well", async () => {
    using made = makeCacheDir({ capacityBytes: 64 << 20, slots: 512 });
    const view = openView(made.memory);
    const { main, evicted } = start(made);
    const cache = made.open(1);
    for (let n = 0; n < 500; n++) {
      putBytes(cache, relnameOfNumber(n));
      if (runsLow(view)) await until(() => !runsLow(view));
    }
    await main.stop();
    expect(made.counters()["evicted"]).toBe(0);
    expect(evicted()).toBeGreaterThan(180);
    cache.close();
  });

  test("wakes main, once, by whoever meets it", async () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    const { words } = openView(made.memory);
    const waitFor = (value: number, waitMs: number) =>
      Atomics.waitAsync(words, HEADER.thirst, value, waitMs).value;
    const rooms: (Reservation | undefined)[] = [];
    for (let round = 0; round < 2; round++) {
      words[HEADER.thirst] = 0;
      const woken = waitFor(0, 60_000);
      while (words[HEADER.thirst] === 0) rooms.push(made.cache.reserve(1));
      expect(await woken).toBe("ok");
      // main is on it
      const again = waitFor(1, 1);
      rooms.pop()?.release();
      rooms.push(made.cache.reserve(1));
      expect(await again).toBe("timed-out");
    }
    for (const room of rooms) room?.release();
  });

  test("does not keep a fill waiting that is faster than main", () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    // main has no turn while this runs
    const { main } = start(made);
    for (let n = 0; n < 400; n++)
      expect(putBytes(made.cache, relnameOfNumber(n), 8192)).toBe("published");
    expect(made.counters()["evicted"]).toBeGreaterThan(200);
    void main.stop();
  });

  test("is left alone while the disk is out of order", async () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    const view = openView(made.memory);
    for (let n = 0; n < 300; n++) putBytes(made.cache, relnameOfNumber(n));
    const rooms: (Reservation | undefined)[] = [];
    while (!runsLow(view) && rooms.length < 100) rooms.push(made.cache.reserve(1));
    expect(runsLow(view)).toBe(true);
    const { variants } = made.cache.usage();
    let out = true;
    let asked = 0;
    const { main, evicted } = start(made, () => {
      asked++;
      return out;
    });
    await until(() => asked > 1);
    expect(evicted()).toBe(0);
    expect(made.cache.usage().variants).toBe(variants);
    out = false;
    await until(() => !runsLow(view));
    await main.stop();
    expect(evicted()).toBeGreaterThan(0);
    for (const room of rooms) room?.release();
  });

  test("is left alone where nothing may go", async () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    const view = openView(made.memory);
    const rooms: Reservation[] = [];
    for (let room = made.cache.reserve(1); room !== undefined; room = made.cache.reserve(1)) {
      rooms.push(room);
    }
    expect(runsLow(view)).toBe(true);
    const { main, evicted } = start(made);
    await until(() => word(view, HEADER.thirst) === 1);
    for (const room of rooms) room.release();
    await until(() => word(view, HEADER.thirst) === 0);
    await main.stop();
    expect(evicted()).toBe(0);
  });

  test("is what the file system has room for, where that is less", () => {
    using made = makeCacheDir();
    const view = openView(made.memory);
    view.sums[SUM.diskBytes] = 400 << 10;
    view.sums[SUM.diskSlots] = 150;
    expect(lowMark(view)).toEqual({ bytes: 2048, slots: 0 });
    view.sums[SUM.diskSlots] = 450;
    expect(lowMark(view)).toEqual({ bytes: 2048, slots: 2 });
    view.sums[SUM.diskBytes] = -1;
    view.sums[SUM.diskSlots] = -1;
    expect(lowMark(view)).toEqual({ bytes: 0, slots: 0 });
  });

  test("is nothing to a cache of a few large variants", () => {
    using made = makeCacheDir();
    const view = openView(made.memory);
    putBytes(made.cache, relnameOfNumber(1), 10_000);
    expect(lowMark(view).bytes).toBeGreaterThan(0);
    putBytes(made.cache, relnameOfNumber(2), 40_000);
    expect(lowMark(view).bytes).toBe(0);
  });

  test("is half a percent, and never more than a gigabyte", () => {
    const bytes = (capacityBytes: number): number => {
      using made = makeCacheDir({ capacityBytes });
      return lowMark(openView(made.memory)).bytes;
    };
    expect(bytes(4 << 20)).toBe((4 << 20) / 200);
    expect(bytes(2 ** 50)).toBe(2 ** 30);
  });
});
