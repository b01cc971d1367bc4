/** The one writer lock of the index: a word that carries its holder's number. Hits never look at it. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { HEADER } from "./layout.ts";
import type { View } from "./view.ts";

const PAUSES = 200;
/** Pauses between two tries grow to this many, some 100 µs: the holder may wait for our processor. */
const PAUSES_MAX = 6400;

/** A thread that may write to the index. */
export interface Writer {
  readonly view: View;
  /** Its number: 0 is main. */
  readonly worker: number;
  readonly clock: Clock;
}

/**
 * True once the lock is ours, false after `waitMs`. It spins and never sleeps: a serving thread must
 * not be parked, and holders keep the lock for about a microsecond.
 */
export function tryLock(writer: Writer, waitMs: number = DEADLINES.cacheLockMs): boolean {
  const { worker, clock } = writer;
  const { words } = writer.view;
  if (Atomics.compareExchange(words, HEADER.lock, 0, worker + 1) === 0) return true;
  const endMs = clock.monotonicMs() + waitMs;
  for (let pauses = PAUSES; ; pauses = Math.min(PAUSES_MAX, pauses * 2)) {
    pause(words, pauses);
    if (Atomics.compareExchange(words, HEADER.lock, 0, worker + 1) === 0) return true;
    if (clock.monotonicMs() >= endMs) return false;
  }
}

/**
 * For work that must be finished, such as freeing what was unlinked. Waits as long as main may take to
 * repair the index after a worker died; throws a Fault when even that did not help.
 */
export function mustLock(writer: Writer): void {
  if (tryLock(writer, DEADLINES.cacheRepairMs)) return;
  const holder = lockHolder(writer.view) ?? "nobody";
  throw new Fault("internal", `the cache index stays locked by thread ${holder}; restart the node`);
}

/** Up to so many pauses, ended early when the lock is free. */
function pause(words: Int32Array, pauses: number): void {
  for (let i = 0; i < pauses; i++) {
    Atomics.pause();
    if (i % 16 === 15 && Atomics.load(words, HEADER.lock) === 0) return;
  }
}

export function unlock(view: View): void {
  Atomics.store(view.words, HEADER.lock, 0);
}

/** The thread that holds the lock, or undefined. */
export function lockHolder(view: View): number | undefined {
  const holder = Atomics.load(view.words, HEADER.lock);
  return holder === 0 ? undefined : holder - 1;
}
