/** A word for each worker thread that moves while its event loop turns. */

import { DEADLINES } from "../base/deadlines.ts";

export function createBeatMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer((workers + 1) * Int32Array.BYTES_PER_ELEMENT);
}

/** For a worker thread, before anything that could take long; it ends with the thread. */
export function startBeating(memory: SharedArrayBuffer, worker: number): void {
  const words = new Int32Array(memory);
  setInterval(() => Atomics.add(words, worker, 1), DEADLINES.workerBeatMs);
}

/** Only whether it differs from an earlier one means anything. */
export function beatOf(memory: SharedArrayBuffer, worker: number): number {
  return Atomics.load(new Int32Array(memory), worker);
}
