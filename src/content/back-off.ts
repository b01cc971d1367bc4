/** When what failed is tried again: later each time, at random moments, and all of it later when nothing works. */

import type { Clock } from "../base/clock.ts";

/** The first wait after a failure, doubled up to the longest. */
export interface BackOffWaits {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface BackOff {
  /** Milliseconds until `key` may be tried; 0 is now. */
  waitMs(key: string): number;
  /** How often in a row it has failed now, and how long it waits. */
  failed(key: string, atLeastMs: number): { readonly failures: number; readonly retryMs: number };
  succeeded(key: string): void;
  /** It will not be tried again. */
  forget(key: string): void;
}

/** After so many failures in a row, of whatever, it is the other side that is down: everything waits. */
export const FAILURES_ALONE_MAX = 8;

/** Each wait is shortened by up to half at random. Remembers as many keys as have failed and are not forgotten. */
export function makeBackOff(options: {
  readonly clock: Clock;
  readonly waits: BackOffWaits;
  /** 0 to 1. */
  readonly random: () => number;
}): BackOff {
  const { clock, waits, random } = options;
  const failing = new Map<string, { readonly failures: number; readonly notBefore: number }>();
  let inRow = 0;
  let allNotBefore = 0;

  const waitAfter = (failures: number): number => {
    const doubled = waits.firstMs * 2 ** Math.min(30, failures - 1);
    return Math.min(waits.longestMs, doubled) * (1 - random() / 2);
  };

  return {
    waitMs(key) {
      const notBefore = Math.max(allNotBefore, failing.get(key)?.notBefore ?? 0);
      return Math.max(0, notBefore - clock.monotonicMs());
    },
    failed(key, atLeastMs) {
      const now = clock.monotonicMs();
      const failures = (failing.get(key)?.failures ?? 0) + 1;
      const retryMs = Math.min(waits.longestMs, Math.max(atLeastMs, waitAfter(failures)));
      failing.set(key, { failures, notBefore: now + retryMs });
      inRow++;
      if (inRow > FAILURES_ALONE_MAX) allNotBefore = now + waitAfter(inRow - FAILURES_ALONE_MAX);
      return { failures, retryMs };
    },
    succeeded(key) {
      inRow = 0;
      allNotBefore = 0;
      failing.delete(key);
    },
    forget(key) {
      failing.delete(key);
    },
  };
}
