/** Time as a parameter: monotonic for lifetimes, wall only for what people read (spec §1). */

export interface Clock {
  /** Milliseconds, never going back; only differences mean anything. */
  monotonicMs(): number;
  /** Unix seconds. */
  wallSeconds(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallSeconds: () => Math.floor(Date.now() / 1000),
};

/**
 * One that threads can compare: each thread's own clock begins with the thread. Between threads it is off by as much
 * as the wall clock was set between their starts.
 */
export const threadsClock: Clock = {
  monotonicMs: () => performance.timeOrigin + performance.now(),
  wallSeconds: systemClock.wallSeconds,
};
