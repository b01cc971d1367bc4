/** When requests are due: a Poisson process, as visitors come who know nothing of each other. */

import type { Random } from "../demo/random.ts";

export interface Schedule {
  /** Milliseconds from the start at which the next request is due. */
  dueMs(): number;
  /** Goes on to the one after it. */
  advance(): void;
}

/**
 * The rate rises evenly from nothing to `perSecond` over the ramp, and stays. Several of them side by side are
 * one of the sum of their rates. `perSecond` must be over 0.
 */
export function makeSchedule(options: {
  readonly perSecond: number;
  readonly rampMs: number;
  readonly random: Random;
}): Schedule {
  const { rampMs, random } = options;
  const perMs = options.perSecond / 1000;
  // requests expected until then; between two of them it grows by an exponential step of mean 1
  let expected = 0;
  let dueMs = 0;
  const advance = (): void => {
    expected -= Math.log(1 - random());
    const inRamp = (perMs * rampMs) / 2;
    dueMs =
      expected < inRamp
        ? Math.sqrt((2 * rampMs * expected) / perMs)
        : expected / perMs + rampMs / 2;
  };
  advance();
  return { dueMs: () => dueMs, advance };
}
