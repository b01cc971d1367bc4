/** How long a job would wait: from what is ahead of it and how long such jobs have taken lately. */

import { DEADLINES } from "../base/deadlines.ts";
import type { Lane } from "./lanes.ts";

/** What a job takes before any has been measured. */
const FIRST_MEAN_MS = { small: 50, large: 200 } as const;
/** Weight of the newest measurement in the mean. */
const MEAN_STEP = 0.1;

export interface Ahead {
  readonly busy: number;
  readonly waiting: Readonly<Record<Lane, number>>;
}

export interface Workload {
  /** A job has run for so long. */
  took(isSmall: boolean, ms: number): void;
  /** Until an image worker would be free for one more job of the lane; what is made later goes last. */
  waitMs(lane: Lane, ahead: Ahead): number;
  /** The same as something to tell people, so neither at once nor in the far future. */
  retryAfterMs(lane: Lane, ahead: Ahead): number;
}

export function makeWorkload(workers: number): Workload {
  const mean: { small: number; large: number } = { ...FIRST_MEAN_MS };

  const waitMs = (lane: Lane, { busy, waiting }: Ahead): number => {
    const { small, now, later } = waiting;
    // with a worker that is free there is no wait
    if (busy < workers && small + now === 0) return 0;
    const large = (lane === "small" ? 0 : now) + (lane === "later" ? later : 0);
    return ((small * mean.small + (large + busy / 2) * mean.large) / workers) | 0;
  };

  return {
    took(isSmall, ms) {
      const of = isSmall ? "small" : "large";
      mean[of] += (ms - mean[of]) * MEAN_STEP;
    },
    waitMs,
    retryAfterMs(lane, ahead) {
      const { imageRetryLeastMs, imageRetryMostMs } = DEADLINES;
      return Math.min(imageRetryMostMs, Math.max(imageRetryLeastMs, waitMs(lane, ahead)));
    },
  };
}
