/** How long each thread was kept from its events, in shared memory: the longest of late, one word a thread. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";

/** Whole cache lines of 8 words, so that threads do not write to the same one. */
const WORDS_PER_THREAD = 8;
/** Ticks that are "of late": longer than the usual time between two scrapes. */
const TICKS = 60;

/** Shared memory for `threads` threads. */
export function createLagMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * WORDS_PER_THREAD * 8);
}

/** What a timer overshoots by is what everything else waited too. */
export function watchLag(memory: SharedArrayBuffer, thread: number, clock: Clock): Disposable {
  const words = new Float64Array(memory, thread * WORDS_PER_THREAD * 8, WORDS_PER_THREAD);
  const meter = makeLagMeter(clock.monotonicMs());
  const timer = setInterval(() => {
    words[0] = meter.tick(clock.monotonicMs()) / 1000;
  }, DEADLINES.lagTickMs);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      words[0] = 0;
    },
  };
}

/** Hears of each tick when it really comes; gives the milliseconds that the latest one of late was late. */
export function makeLagMeter(startMs: number): { tick(nowMs: number): number } {
  const lags = new Float64Array(TICKS);
  let at = 0;
  let lastMs = startMs;
  return {
    tick(nowMs) {
      lags[at] = Math.max(0, nowMs - lastMs - DEADLINES.lagTickMs);
      at = (at + 1) % TICKS;
      lastMs = nowMs;
      return Math.max(...lags);
    },
  };
}

/** Seconds, by thread. */
export function readLags(memory: SharedArrayBuffer): readonly number[] {
  const words = new Float64Array(memory);
  return Array.from(
    { length: words.length / WORDS_PER_THREAD },
    (_, thread) => words[thread * WORDS_PER_THREAD] ?? 0,
  );
}
