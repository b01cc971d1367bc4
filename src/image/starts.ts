/** Starts of image workers that fail: the next one waits, longer each time, until one succeeds. */

import { DEADLINES } from "../base/deadlines.ts";
import type { Log } from "../observe/log.ts";

/** Starts that must fail in a row, with no child alive, before waiting jobs are told. */
const FAILED_STARTS_MAX = 3;

export interface Starts {
  /** A start has failed and the next one is not due yet. */
  readonly resting: boolean;
  /** So many have failed that nobody should wait for the next. */
  readonly hopeless: boolean;
  succeeded(): void;
  /** Milliseconds until the next start. */
  failed(reason: string): number;
  stop(): void;
}

/** `again` is called when the next start is due. */
export function makeStarts(log: Log, again: () => void): Starts {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    get resting() {
      return timer !== undefined;
    },
    get hopeless() {
      return failures >= FAILED_STARTS_MAX;
    },
    succeeded() {
      failures = 0;
    },
    failed(reason) {
      const { imageStartFirstMs, imageStartLongestMs } = DEADLINES;
      const waitMs = Math.min(imageStartFirstMs * 2 ** failures, imageStartLongestMs);
      failures++;
      log.error("image worker did not start", { reason, nextTryMs: waitMs });
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        again();
      }, waitMs);
      return waitMs;
    },
    stop: () => clearTimeout(timer),
  };
}
