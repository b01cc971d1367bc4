/** Variants nobody asks for go; one look keeps them for another life. */

import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { SWEEPS_PER_LIFE, sweepUnused } from "../../../src/cache/expire.ts";
import { USE } from "../../../src/cache/layout.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  makeCacheDir,
  putBytes,
  relnameOfNumber,
  walkBytes,
} from "../../support/cache-dir.ts";

const A = relnameOfNumber(1);
const B = relnameOfNumber(2);

async function sweep(made: CacheDir, times: number): Promise<number> {
  const { memory, dir } = made;
  const counters = createCounterMemory(1);
  const options = {
    memory,
    dir,
    log: silentLog,
    clock: systemClock,
    counters: openCounters(counters, 0),
  };
  for (let i = 0; i < times; i++) await sweepUnused(options);
  return readCounters(counters).expired;
}

test("what is not looked at for a whole life expires, file and all", async () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  expect(await sweep(made, SWEEPS_PER_LIFE)).toBe(0);
  expect(made.cache.peek(A)).toBeDefined();
  expect(await sweep(made, 1)).toBe(1);
  expect(made.cache.usage()).toMatchObject({ variants: 0, bytes: walkBytes(made.dir) });
  expect(checkIndex(made.memory)).toEqual([]);
});

test("a look begins a new life, a peek does not", async () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  putBytes(made.cache, B);
  for (let i = 0; i < 5; i++) made.cache.look(A);
  await sweep(made, SWEEPS_PER_LIFE - 1);
  made.cache.look(A);
  made.cache.peek(B);
  expect(await sweep(made, SWEEPS_PER_LIFE)).toBe(1);
  expect(made.cache.peek(A)).toBeDefined();
  expect(made.cache.peek(B)).toBeUndefined();
});

test("sweeps take nothing from the hits that keep a variant from eviction", async () => {
  using made = makeCacheDir({ capacityBytes: 256 << 10 });
  for (let n = 0; n < 20; n++) putBytes(made.cache, relnameOfNumber(n), 4096);
  made.cache.look(relnameOfNumber(3));
  await sweep(made, 5);
  for (let n = 100; n < 150; n++) putBytes(made.cache, relnameOfNumber(n), 4096);
  expect(made.cache.peek(relnameOfNumber(3))).toBeDefined();
  expect(made.cache.peek(relnameOfNumber(4))).toBeUndefined();
});

test("under lru what is asked for stays too, and what is not goes", async () => {
  using made = makeCacheDir({ eviction: "lru" });
  for (const n of [1, 2]) putBytes(made.cache, relnameOfNumber(n));
  for (let i = 0; i < SWEEPS_PER_LIFE; i++) {
    made.cache.look(relnameOfNumber(1));
    await sweep(made, 1);
  }
  await sweep(made, 1);
  expect(made.cache.peek(relnameOfNumber(1))).toBeDefined();
  expect(made.cache.peek(relnameOfNumber(2))).toBeUndefined();
});

test("age outlives a clean stop", async () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  await sweep(made, SWEEPS_PER_LIFE);
  made.save();
  using again = made.restart();
  expect(again.cache.peek(A)).toBeDefined();
  expect(await sweep(again, 1)).toBe(1);
});

test("a slot can count as many sweeps as a life has", () => {
  expect(SWEEPS_PER_LIFE).toBeLessThanOrEqual(USE.sweepsMax);
});

test("a node that stops ends the sweep where it is", async () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  const { memory, dir } = made;
  const counters = openCounters(createCounterMemory(1), 0);
  const options = { memory, dir, counters, log: silentLog, clock: systemClock };
  let looks = 0;
  const stopping = (): boolean => ++looks > 0;
  for (let i = 0; i <= SWEEPS_PER_LIFE; i++) await sweepUnused({ ...options, stopping });
  // one look a sweep: none went beyond its first turn
  expect(looks).toBe(SWEEPS_PER_LIFE + 1);
});
