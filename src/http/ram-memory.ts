/** What the RAM tiers of a node's workers share: how much each may take, and how much each has. */

/** Structured-cloneable. */
export interface RamMemory {
  /** What one worker may take; 0: nothing is held. */
  readonly roomBytes: number;
  readonly used: SharedArrayBuffer;
}

/** Whole cache lines of 8 words, so that threads do not write to the same one. */
const WORDS_PER_WORKER = 8;

export function createRamMemory(ramBytes: number, workers: number): RamMemory {
  return {
    roomBytes: Math.floor(ramBytes / workers),
    used: new SharedArrayBuffer((workers + 1) * WORDS_PER_WORKER * 8),
  };
}

/** Tells what one worker has now; its own thread alone does. */
export function ramGauge({ used }: RamMemory, worker: number): (bytes: number) => void {
  const words = new Float64Array(used, worker * WORDS_PER_WORKER * 8, WORDS_PER_WORKER);
  return (bytes) => {
    words[0] = bytes;
  };
}

/** Of all workers. */
export function ramUsage({ roomBytes, used }: RamMemory): {
  readonly bytes: number;
  readonly roomBytes: number;
} {
  const words = new Float64Array(used);
  const workers = words.length / WORDS_PER_WORKER - 1;
  return { bytes: words.reduce((sum, bytes) => sum + bytes, 0), roomBytes: roomBytes * workers };
}
