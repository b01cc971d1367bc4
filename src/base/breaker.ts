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
  /** Calls are refused, but for a trial now and then. */
  readonly refusing: boolean;
}

/** State of one breaker in 32-bit words, which threads may share. */
const WORDS = 4;
const ERRORS = 0;
/** For how long calls are refused; 0 while they are let in. */
const REFUSE_MS = 1;
const REFUSE_UNTIL = 2;
/** 0: no trial is under way. */
const TRIAL_UNTIL = 3;

/** Room for the state of so many breakers. */
export function createBreakerMemory(breakers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(breakers * WORDS * 4);
}

/** A breaker of that memory, for all threads that open the same one; their clocks must agree. */
export interface BreakerPlace {
  readonly memory: SharedArrayBuffer;
  readonly at: number;
}

export function makeBreaker(options: {
  readonly clock: Clock;
  /** Called when calls begin to be refused, and when they are let in again; in the thread that found out. */
  readonly changed: (state: { readonly refusing: boolean; readonly forMs: number }) => void;
  readonly place?: BreakerPlace | undefined;
}): Breaker {
  const { clock, changed } = options;
  const { memory, at } = options.place ?? { memory: createBreakerMemory(1), at: 0 };
  const words = new Int32Array(memory, at * WORDS * 4, WORDS);
  const from = (ms: number): number => (Math.floor(clock.monotonicMs()) + ms) | 0 || 1;
  /** Times wrap: what seems further off than any wait can be is long past. */
  const left = (word: number): number => {
    const ms = (Atomics.load(words, word) - Math.floor(clock.monotonicMs())) | 0;
    return ms > Math.max(BREAKER.longestMs, BREAKER.trialMs) ? 0 : Math.max(0, ms);
  };

  return {
    enter() {
      if (Atomics.load(words, REFUSE_MS) === 0) return true;
      const trial = Atomics.load(words, TRIAL_UNTIL);
      if (left(REFUSE_UNTIL) > 0 || (trial !== 0 && left(TRIAL_UNTIL) > 0)) return false;
      return Atomics.compareExchange(words, TRIAL_UNTIL, trial, from(BREAKER.trialMs)) === trial;
    },
    succeeded() {
      Atomics.store(words, ERRORS, 0);
      if (Atomics.exchange(words, REFUSE_MS, 0) === 0) return;
      Atomics.store(words, TRIAL_UNTIL, 0);
      changed({ refusing: false, forMs: 0 });
    },
    failed() {
      const errors = Atomics.add(words, ERRORS, 1) + 1;
      const refused = Atomics.load(words, REFUSE_MS);
      const trial = Atomics.load(words, TRIAL_UNTIL);
      // failures of calls that began before the refusal say nothing new
      if (refused === 0 ? errors < BREAKER.errorsMax : trial === 0) return;
      const ms = refused === 0 ? BREAKER.firstMs : Math.min(refused * 2, BREAKER.longestMs);
      // until when, before that it is so: nobody may take the gap for the end of the wait
      Atomics.store(words, REFUSE_UNTIL, from(ms));
      if (Atomics.compareExchange(words, REFUSE_MS, refused, ms) !== refused) return;
      Atomics.store(words, TRIAL_UNTIL, 0);
      changed({ refusing: true, forMs: ms });
    },
    released() {
      Atomics.store(words, TRIAL_UNTIL, 0);
    },
    waitMs() {
      if (Atomics.load(words, REFUSE_MS) === 0) return 0;
      const trialMs = Atomics.load(words, TRIAL_UNTIL) === 0 ? 0 : left(TRIAL_UNTIL);
      return Math.max(left(REFUSE_UNTIL), trialMs);
    },
    get refusing() {
      return Atomics.load(words, REFUSE_MS) !== 0;
    },
  };
}
