/** Spreads bytes over time: work in the background takes its share of the network and no more. */

import type { Clock } from "../base/clock.ts";

export interface Throttle {
  /** Resolves when so many bytes may go; false when it was opened while they waited. */
  take(bytes: number): Promise<boolean>;
  /** Lets everybody who waits go at once, with false, and everybody after them. */
  open(): void;
}

/** Calls back after so long; gives back how to forget it. */
export type Later = (run: () => void, waitMs: number) => () => void;

/** Bytes may go when those before them would have gone at that rate; a pause saves up nothing. */
export function makeThrottle(options: {
  readonly bytesPerSecond: () => number;
  readonly clock: Clock;
  readonly later?: Later;
}): Throttle {
  const { bytesPerSecond, clock, later = startTimer } = options;
  const waiting = new Set<() => void>();
  let freeAtMs = Number.NEGATIVE_INFINITY;
  let opened = false;

  return {
    async take(bytes) {
      if (opened) return false;
      const now = clock.monotonicMs();
      const mineAtMs = Math.max(now, freeAtMs);
      freeAtMs = mineAtMs + (bytes / bytesPerSecond()) * 1000;
      if (mineAtMs <= now) return true;
      const turn = Promise.withResolvers<boolean>();
      const letGo = (): void => turn.resolve(false);
      waiting.add(letGo);
      const forget = later(() => turn.resolve(true), mineAtMs - now);
      try {
        return await turn.promise;
      } finally {
        forget();
        waiting.delete(letGo);
      }
    },
    open() {
      opened = true;
      for (const letGo of waiting) letGo();
    },
  };
}

export function startTimer(run: () => void, waitMs: number): () => void {
  const timer = setTimeout(run, waitMs);
  return () => clearTimeout(timer);
}
