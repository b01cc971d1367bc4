/** Several threads on one cache at once, and threads that die in the middle of it. */

import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { POLICIES } from "../../../src/cache/layout.ts";
import { keepRoom } from "../../../src/cache/low-water.ts";
import { NO_COUNTERS } from "../../../src/cache/open-store.ts";
import { repairIndex } from "../../../src/cache/restore.ts";
import { createCounterMemory } from "../../../src/observe/counters.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  makeCacheDir,
  putBytes,
  variantsBelow,
  walkBytes,
} from "../../support/cache-dir.ts";
import type { StressOrder, StressResult } from "../../support/cache-stress.worker.ts";
import { until } from "../../support/until.ts";

const WORKER = new URL("../../support/cache-stress.worker.ts", import.meta.url);
const STEPS = 1200;

function start(made: CacheDir, options: Pick<StressOrder, "worker" | "names" | "steps" | "mode">) {
  const { memory, dir } = made;
  const progress = new SharedArrayBuffer(4);
  const order: StressOrder = {
    memory,
    dir,
    counters: createCounterMemory(8),
    progress,
    ...options,
  };
  const thread = new Worker(WORKER, { workerData: order });
  const result = new Promise<StressResult>((resolve, reject) => {
    thread.on("message", resolve);
    thread.on("error", reject);
  });
  return { thread, result, progress: new Int32Array(progress) };
}

/** Samples the books while threads work; they must never show more than the capacity. */
async function sample(made: CacheDir, done: () => boolean): Promise<number> {
  let most = 0;
  await until(() => {
    const { bytes, reservedBytes } = made.cache.usage();
    most = Math.max(most, bytes + reservedBytes);
    return done();
  });
  return most;
}

test.each(POLICIES)(
  "three threads look, fill, learn and forget under %s: no wrong hit, no lost byte, never over the capacity",
  async (eviction) => {
    const capacityBytes = 600 << 10;
    using made = makeCacheDir({ capacityBytes, slots: 256, regionBits: 5, eviction });
    const threads = [1, 2, 3].map((worker) =>
      start(made, { worker, names: 150, steps: STEPS, mode: "files" }),
    );
    // main evicts ahead of them meanwhile
    const main = keepRoom({ ...made, counters: NO_COUNTERS, log: silentLog, clock: systemClock });
    let results: readonly StressResult[] | undefined;
    void Promise.all(threads.map((one) => one.result)).then((all) => {
      results = all;
    });
    const most = await sample(made, () => results !== undefined);
    await main.stop();
    const total = (field: keyof StressResult) =>
      (results ?? []).reduce((sum, one) => sum + one[field], 0);

    expect(total("wrong")).toBe(0);
    expect(most).toBeLessThanOrEqual(capacityBytes);
    expect(total("published")).toBeGreaterThan(100);
    expect(total("forgotten")).toBeGreaterThan(10);
    expect(total("hits")).toBeGreaterThan(100);
    expect(checkIndex(made.memory)).toEqual([]);
    const { variants, bytes, reservedBytes } = made.cache.usage();
    expect(bytes).toBe(walkBytes(made.dir));
    expect(reservedBytes).toBe(0);
    expect(variantsBelow(made.dir).length).toBe(variants);
    for (const relname of variantsBelow(made.dir)) expect(made.cache.peek(relname)).toBeDefined();

    const again = made.restart();
    expect(again.restored).toMatchObject({ variants, dropped: 0, unlinked: 0, garbage: 0 });
    again[Symbol.dispose]();
  },
  20_000,
);

test.each(POLICIES)(
  "a thread that is killed inside or outside the lock leaves an index that can be mended, under %s",
  async (eviction) => {
    using made = makeCacheDir({ slots: 1024, capacityBytes: 64 << 20, regionBits: 8, eviction });
    let rebuilt = 0;
    for (let round = 0; round < 8; round++) {
      const { thread, progress } = start(made, { worker: 1, names: 200, steps: 0, mode: "index" });
      await until(() => Atomics.load(progress, 0) > 300 + round * 61);
      await thread.terminate();
      if (repairIndex(made.memory, 1)) rebuilt++;
      expect(checkIndex(made.memory)).toEqual([]);
    }
    // the lock is held most of the time in this loop, so some of the rounds must have struck inside
    expect(rebuilt).toBeGreaterThan(0);
  },
  20_000,
);

test("what a killed thread had reserved, begun or half removed is taken back", async () => {
  using made = makeCacheDir({ capacityBytes: 400 << 10, slots: 128 });
  for (let round = 0; round < 6; round++) {
    const { thread, progress } = start(made, { worker: 1, names: 100, steps: 0, mode: "files" });
    await until(() => Atomics.load(progress, 0) > 150 + round * 31);
    await thread.terminate();
    repairIndex(made.memory, 1, made.dir);
    expect(checkIndex(made.memory)).toEqual([]);
    // the next reservation sees to what was half removed
    made.cache.reserve(1)?.release();
    expect(checkIndex(made.memory)).toEqual([]);
    expect(made.cache.usage().reservedBytes).toBe(0);
    expect(readdirSync(join(made.dir, ".mir/tmp"))).toEqual([]);
    const live = variantsBelow(made.dir);
    expect(live.length).toBe(made.cache.usage().variants);
    for (const relname of live) expect(made.cache.peek(relname)).toBeDefined();
    // a journal record may have been counted and not written, never the other way round
    const surplus = made.cache.usage().bytes - walkBytes(made.dir);
    expect(surplus).toBeGreaterThanOrEqual(0);
    expect(surplus).toBeLessThanOrEqual((round + 1) * 4096);
  }
  expect(putBytes(made.cache, "vi/ra/l1/md/viral123.jpg")).toBe("published");
  expect(existsSync(made.cache.pathOf("vi/ra/l1/md/viral123.jpg"))).toBe(true);
}, 20_000);
