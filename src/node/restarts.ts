/** When a worker that has died is started again: later each time, until it has served for a while. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";

export interface Restarts {
  /** It serves from now on. */
  served(): void;
  /** Milliseconds until it is to be started again. */
  died(): number;
  /** Times it has died. */
  readonly count: number;
  /** Those since it served for `workerSettledMs` without a break. */
  readonly inARow: number;
  /** Milliseconds until it is started again; 0 when that time has come, or it lives. */
  readonly nextTryMs: number;
  /** Milliseconds since it died, or came into being, without having served; else 0. */
  readonly awayMs: number;
}

export function makeRestarts(clock: Clock): Restarts {
  const { workerRestartFirstMs, workerRestartLongestMs, workerSettledMs } = DEADLINES;
  let count = 0;
  let inARow = 0;
  let dueMs = 0;
  let servingSinceMs: number | undefined;
  let awaySinceMs = clock.monotonicMs();
  const settled = (nowMs: number): boolean =>
    servingSinceMs !== undefined && nowMs - servingSinceMs >= workerSettledMs;
  return {
    served() {
      servingSinceMs ??= clock.monotonicMs();
    },
    died() {
      const nowMs = clock.monotonicMs();
      if (settled(nowMs)) inARow = 0;
      if (servingSinceMs !== undefined) awaySinceMs = nowMs;
      servingSinceMs = undefined;
      const waitMs = Math.min(workerRestartFirstMs * 2 ** inARow, workerRestartLongestMs);
      dueMs = nowMs + waitMs;
      count++;
      inARow++;
      return waitMs;
    },
    get count() {
      return count;
    },
    get inARow() {
      return settled(clock.monotonicMs()) ? 0 : inARow;
    },
    get nextTryMs() {
      const waitMs = servingSinceMs === undefined ? dueMs - clock.monotonicMs() : 0;
      return Math.max(0, Math.round(waitMs));
    },
    get awayMs() {
      return servingSinceMs === undefined ? Math.round(clock.monotonicMs() - awaySinceMs) : 0;
    },
  };
}
