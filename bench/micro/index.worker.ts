/** A thread that hits the index for a while, for bench/micro/index.ts. */

import { parentPort, workerData } from "node:worker_threads";
import { ABSENT, findLive } from "../../src/cache/look.ts";
import type { CacheMemory } from "../../src/cache/memory.ts";
import { openView } from "../../src/cache/view.ts";
import { median } from "../support/cpu.ts";
import { BATCH, freshKeys, makePick } from "../support/index-keys.ts";

export interface HitOrder {
  readonly memory: CacheMemory;
  readonly variants: number;
  readonly seed: number;
  readonly ms: number;
  /** How many threads are ready, and whether they may begin. */
  readonly gate: SharedArrayBuffer;
}

export interface HitReport {
  /** By the median batch, so that what else the machine does in between is left out, as is the making of keys. */
  readonly hitsPerSecond: number;
}

const order: HitOrder = workerData;
const view = openView(order.memory);
const pick = makePick(order.seed, order.variants);
const gate = new Int32Array(order.gate);
for (let i = 0; i < 50; i++) hitAll(freshKeys(pick));
Atomics.add(gate, 0, 1);
Atomics.wait(gate, 1, 0, 30_000);
const end = performance.now() + order.ms;
const batchMs: number[] = [];
while (performance.now() < end) {
  const keys = freshKeys(pick);
  const start = performance.now();
  const found = hitAll(keys);
  batchMs.push(performance.now() - start);
  if (found !== keys.length) throw new Error(`${keys.length - found} keys are missing`);
}
parentPort?.postMessage({ hitsPerSecond: (BATCH * 1000) / median(batchMs) } satisfies HitReport);

function hitAll(keys: readonly string[]): number {
  let found = 0;
  for (const key of keys) if (findLive(view, key, true) !== ABSENT) found++;
  return found;
}
