/** Finds event loops that have stopped turning: those of worker threads by their beats, main's by its own lateness. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { beatOf } from "./beats.ts";

export interface StallWatch extends Disposable {
  /** Milliseconds for which a worker has stood still, once that is longer than it may; else 0. */
  stalledMs(worker: number): number;
}

interface Seen {
  beat: number;
  stillMs: number;
  stalled: boolean;
}

/** Looks each `workerBeatMs`. `mayTakeMs` is how long a worker may stand still; undefined when there is none. */
export function watchStalls(options: {
  readonly beats: SharedArrayBuffer;
  readonly workers: number;
  readonly mayTakeMs: (worker: number) => number | undefined;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): StallWatch {
  const { beats, workers, mayTakeMs, counters, log, clock } = options;
  const all = Array.from({ length: workers + 1 }, (): Seen => {
    return { beat: 0, stillMs: 0, stalled: false };
  });
  let lastMs = clock.monotonicMs();

  const look = (): void => {
    const nowMs = clock.monotonicMs();
    const sinceMs = nowMs - lastMs;
    lastMs = nowMs;
    // a process that was stopped as a whole has no worker that stood still by itself
    const passedMs = Math.min(sinceMs, 2 * DEADLINES.workerBeatMs);
    if (sinceMs > DEADLINES.workerStallMs) {
      counters.add("main_stall");
      log.warn("main.stalled", { stalledMs: Math.round(sinceMs) });
    }
    for (let worker = 1; worker <= workers; worker++) lookAt(worker, passedMs);
  };

  const lookAt = (worker: number, passedMs: number): void => {
    const seen = all[worker];
    if (seen === undefined) return;
    const beat = beatOf(beats, worker);
    const leastMs = mayTakeMs(worker);
    if (leastMs === undefined || beat !== seen.beat) {
      if (seen.stalled) log.info("worker.moves", { worker, stalledMs: Math.round(seen.stillMs) });
      Object.assign(seen, { beat, stillMs: 0, stalled: false } satisfies Seen);
      return;
    }
    seen.stillMs += passedMs;
    if (seen.stalled || seen.stillMs < leastMs) return;
    seen.stalled = true;
    counters.add("worker_stall");
    log.error("worker.stalled", { worker, stalledMs: Math.round(seen.stillMs) });
  };

  const timer = setInterval(look, DEADLINES.workerBeatMs);
  return {
    stalledMs(worker) {
      const seen = all[worker];
      return seen?.stalled === true ? Math.round(seen.stillMs) : 0;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
