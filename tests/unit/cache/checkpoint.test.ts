/** The journal stays in proportion to what it has to say, and keeps saying it. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../../src/base/clock.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { takeCheckpoint } from "../../../src/cache/checkpoint.ts";
import { createCounterMemory } from "../../../src/observe/counters.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  filesBelow,
  makeCacheDir,
  metaOf,
  put,
  putBytes,
  relnameOfNumber,
  variantsBelow,
  walkBytes,
} from "../../support/cache-dir.ts";
import type { StressOrder } from "../../support/cache-stress.worker.ts";

const A = "vi/ra/l1/md/viral123.jpg";
const facts = { width: 3, height: 4, alpha: false, animated: true };

function tidy(made: CacheDir, idleBytes: number): Promise<boolean> {
  const { memory, dir } = made;
  const { tombstones } = made.restored;
  return takeCheckpoint({ memory, dir, log: silentLog, clock: systemClock, tombstones, idleBytes });
}

function journalBytes(made: CacheDir): number {
  const meta = join(made.dir, ".mir");
  return filesBelow(meta)
    .filter((name) => name.startsWith("journal."))
    .reduce((total, name) => total + Bun.file(join(meta, name)).size, 0);
}

test("a short journal is left alone", async () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  expect(await tidy(made, 4096)).toBe(false);
});

test("a long one is replaced by a snapshot, and nothing is forgotten by it", async () => {
  using made = makeCacheDir();
  const meta = metaOf(A, 5000);
  put(made.cache, meta);
  made.cache.learn(A, facts);
  for (let n = 0; n < 100; n++) {
    putBytes(made.cache, relnameOfNumber(n));
    if (n > 3) made.cache.forget(relnameOfNumber(n));
  }
  const before = journalBytes(made);
  expect(await tidy(made, 4096)).toBe(true);
  expect(journalBytes(made)).toBeLessThan(before / 10);
  expect(made.cache.usage()).toMatchObject({ bytes: walkBytes(made.dir), reservedBytes: 0 });
  made.cache.forget(relnameOfNumber(0));
  putBytes(made.cache, relnameOfNumber(50));
  expect(checkIndex(made.memory)).toEqual([]);
  using again = made.restart();
  expect(again.restored).toMatchObject({ variants: 5, dropped: 0, unlinked: 0, garbage: 0 });
  expect(again.cache.look(A)).toEqual({ ...meta, facts });
  expect(again.cache.look(relnameOfNumber(0))).toBeUndefined();
});

test("a journal that has eaten the whole capacity gives it back", async () => {
  using made = makeCacheDir({ capacityBytes: 64 << 10, slots: 64 });
  for (let n = 0; putBytes(made.cache, relnameOfNumber(n)) !== "no room"; n++) {
    if (n > 10_000) throw new Error("the journal is not accounted");
  }
  expect(await tidy(made, 4096)).toBe(true);
  expect(putBytes(made.cache, A)).toBe("published");
  expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
  expect(checkIndex(made.memory)).toEqual([]);
});

test("it may be tidied while other threads publish and forget", async () => {
  using made = makeCacheDir({ capacityBytes: 300 << 10, slots: 512 });
  const { memory, dir } = made;
  let running = 2;
  const ended = [1, 2].map((worker) => {
    const order: StressOrder = {
      memory,
      dir,
      worker,
      counters: createCounterMemory(8),
      progress: new SharedArrayBuffer(4),
      names: 60,
      steps: 1200,
      mode: "files",
    };
    const thread = new Worker(new URL("../../support/cache-stress.worker.ts", import.meta.url), {
      workerData: order,
    });
    return new Promise((resolve, reject) => {
      thread.on("error", reject);
      thread.on("message", resolve);
    }).finally(() => running--);
  });
  let tidied = 0;
  while (running > 0) {
    if (await tidy(made, 4096)) tidied++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(ended);
  expect(tidied).toBeGreaterThan(0);
  expect(checkIndex(memory)).toEqual([]);
  expect(made.cache.usage()).toMatchObject({ bytes: walkBytes(dir), reservedBytes: 0 });
  const live = variantsBelow(dir);
  using again = made.restart();
  expect(again.restored).toMatchObject({
    variants: live.length,
    dropped: 0,
    unlinked: 0,
    garbage: 0,
  });
}, 20_000);

test("a clean stop keeps hits and queues: the next run evicts what this one would have", () => {
  using made = makeCacheDir({ capacityBytes: 256 << 10 });
  for (let n = 0; n < 20; n++) putBytes(made.cache, relnameOfNumber(n), 4096);
  made.cache.look(relnameOfNumber(3));
  made.save();
  expect(made.cache.usage().bytes).toBe(walkBytes(made.dir));
  using again = made.restart();
  for (let n = 100; n < 150; n++) putBytes(again.cache, relnameOfNumber(n), 4096);
  expect(again.cache.peek(relnameOfNumber(3))).toBeDefined();
  expect(again.cache.peek(relnameOfNumber(4))).toBeUndefined();
});
