/** A circuit breaker: what keeps failing is left alone for a while, then tried by one call. */

import type { Clock } from "./clock.ts";

export const BREAKER = {
  /** Failures in a row after which calls are refused. */
  errorsMax: 5,
  /** How long they are refused at first; doubled each time the trial fails, up to the longest. */
  firstMs: 1_000,
  longestMs: 30_000,
  /** A trial call that never reports is taken for lost after this. */
  trialMs: 30_000,
} as const;

/** Each call that `enter` lets in must end in exactly one of the three reports. */
export interface Breaker {
  /** False while calls are refused; the first true after that is the trial, and the only one until it reports. */
  enter(): boolean;
  /** An answer came: also "not found", which a broken service cannot say. */
  succeeded(): void;
  failed(): void;
  /** The call ended without telling anything about the service. */
  released(): void;
  /** Milliseconds until the next trial; 0 when calls are let in. */
  waitMs(): number;
}

export function makeBreaker(options: {
  readonly clock: Clock;
  /** Called when calls begin to be refused, and when they are let in again. */
  readonly changed: (state: { readonly refusing: boolean; readonly forMs: number }) => void;
}): Breaker {
  const { clock, changed } = options;
  let errors = 0;
  /** 0 while calls are let in. */
  let refuseMs = 0;
  let refuseUntil = 0;
  let trialUntil = 0;

  const refuse = (ms: number): void => {
    refuseMs = ms;
    refuseUntil = clock.monotonicMs() + ms;
    trialUntil = 0;
    changed({ refusing: true, forMs: ms });
  };

  return {
    enter() {
      if (refuseMs === 0) return true;
      const now = clock.monotonicMs();
      if (now < refuseUntil || now < trialUntil) return false;
      trialUntil = now + BREAKER.trialMs;
      return true;
    },
    succeeded() {
      errors = 0;
      if (refuseMs === 0) return;
      refuseMs = 0;
      trialUntil = 0;
      changed({ refusing: false, forMs: 0 });
    },
    failed() {
      errors++;
      if (refuseMs === 0) {
        if (errors >= BREAKER.errorsMax) refuse(BREAKER.firstMs);
        return;
      }
      // failures of calls that began before the refusal say nothing new
      if (trialUntil !== 0) refuse(Math.min(refuseMs * 2, BREAKER.longestMs));
    },
    released() {
      trialUntil = 0;
    },
    waitMs() {
      if (refuseMs === 0) return 0;
      return Math.max(0, Math.max(refuseUntil, trialUntil) - clock.monotonicMs());
    },
  };
}
