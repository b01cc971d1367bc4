/** How long one more image job would wait, told to every thread by the one that has the queue: two words of shared memory. */

import type { Format } from "../base/variant.ts";
import type { Sides } from "./fit.ts";
import { isSmallOutput } from "./job-cost.ts";

/** There is no room in the lane; more milliseconds than anybody waits. */
const FULL = 2 ** 31 - 1;

/** Milliseconds by lane; Infinity: it is full. */
export interface ImageWaits {
  readonly small: number;
  readonly now: number;
}

export interface WaitBoard {
  post(waits: ImageWaits): void;
  /** What one more job for such an output would wait. It may have changed since. */
  waitMs(output: { readonly box: Sides; readonly format: Format }): number;
}

export function createWaitBoardMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(8);
}

export function openWaitBoard(memory: SharedArrayBuffer): WaitBoard {
  const words = new Int32Array(memory);
  return {
    post({ small, now }) {
      Atomics.store(words, 0, Math.min(FULL, small));
      Atomics.store(words, 1, Math.min(FULL, now));
    },
    waitMs({ box, format }) {
      const posted = Atomics.load(words, isSmallOutput(box, format) ? 0 : 1);
      return posted === FULL ? Number.POSITIVE_INFINITY : posted;
    },
  };
}
