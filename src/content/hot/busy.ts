/** How many requests of peers the threads of this node are working on, in memory that they share. */

const INTS_PER_ROW = 16;

export interface BusyGauge {
  enter(): void;
  leave(): void;
  /** Of all threads; may be off by those that come and go just now. */
  total(): number;
}

export function createBusyMemory(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * INTS_PER_ROW * 4);
}

/** A thread that begins anew has nothing under way. */
export function openBusyGauge(memory: SharedArrayBuffer, row: number): BusyGauge {
  const words = new Int32Array(memory);
  const at = row * INTS_PER_ROW;
  words[at] = 0;
  return {
    enter() {
      words[at] = (words[at] ?? 0) + 1;
    },
    leave() {
      words[at] = (words[at] ?? 0) - 1;
    },
    total() {
      let total = 0;
      for (let i = 0; i < words.length; i += INTS_PER_ROW) total += words[i] ?? 0;
      return total;
    },
  };
}
