/** Starts of image workers: after some that came to nothing the next one waits, longer each time, until one is of use. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";

/** Starts that must fail in a row, with no child alive, before waiting jobs are told. */
const FAILED_STARTS_MAX = 3;
/** Image workers that may die at work in a row, by two pictures that kill two each, before the next one waits. */
const DEATHS_MAX = 2 * LIMITS.imageCrashesMax;

export interface Starts {
  /** A start has failed and the next one is not due yet. */
  readonly resting: boolean;
  /** So many have failed that nobody should wait for the next. */
  readonly hopeless: boolean;
  /** Failed starts and deaths at work since the last that was of use. */
  readonly inARow: number;
  /** Milliseconds until the next start; 0 when nothing is waited for. */
  readonly nextTryMs: number;
  /** One has started. */
  succeeded(): void;
  /** One has done a job. */
  useful(): void;
  /** Milliseconds until the next start. */
  failed(reason: string): number;
  /** One has died at work. */
  died(): void;
  stop(): void;
}

/** `again` is called when the next start is due. */
export function makeStarts(watched: { log: Log; clock: Clock }, again: () => void): Starts {
  const { log, clock } = watched;
  const { imageStartFirstMs, imageStartLongestMs } = DEADLINES;
  let failures = 0;
  let deaths = 0;
  let dueMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds, doubled for each of the `times` it has happened already. */
  const rest = (times: number): number => {
    const waitMs = Math.min(imageStartFirstMs * 2 ** times, imageStartLongestMs);
    dueMs = clock.monotonicMs() + waitMs;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      again();
    }, waitMs);
    return waitMs;
  };
  return {
    get resting() {
      return timer !== undefined;
    },
    get hopeless() {
      return failures >= FAILED_STARTS_MAX;
    },
    get inARow() {
      return failures + deaths;
    },
    get nextTryMs() {
      return timer === undefined ? 0 : Math.max(1, Math.round(dueMs - clock.monotonicMs()));
    },
    succeeded() {
      failures = 0;
    },
    useful() {
      deaths = 0;
    },
    failed(reason) {
      const waitMs = rest(failures);
      failures++;
      log.error("image worker did not start", { reason, nextTryMs: waitMs });
      return waitMs;
    },
    died() {
      deaths++;
      if (deaths <= DEATHS_MAX) return;
      const waitMs = rest(deaths - DEATHS_MAX - 1);
      log.error("image workers keep dying", { inARow: deaths, nextTryMs: waitMs });
    },
    stop: () => clearTimeout(timer),
  };
}
