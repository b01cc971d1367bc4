/** Jobs that wait for an image worker: bounded, small ones a little ahead, each with its own deadline. */

import type { Clock } from "../base/clock.ts";

export interface JobQueue<T> {
  readonly size: number;
  /** False when it is full. `expired` is called if `item` has not been taken after `waitMs`. */
  add(
    item: T,
    options: { readonly costMs: number; readonly waitMs: number; readonly expired: () => void },
  ): boolean;
  /** The next item; undefined when there is none. */
  take(): T | undefined;
  /** Every item, out of the queue. */
  drain(): T[];
}

interface Entry<T> {
  readonly item: T;
  /** Jobs are taken in this order: when they came, plus what they cost. Nobody waits for ever. */
  readonly orderMs: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

export function makeJobQueue<T>(options: {
  readonly itemsMax: number;
  readonly clock: Clock;
}): JobQueue<T> {
  const { itemsMax, clock } = options;
  /** Sorted; at most a few hundred. */
  const entries: Entry<T>[] = [];

  const leave = (entry: Entry<T>): void => {
    clearTimeout(entry.timer);
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
  };

  return {
    get size() {
      return entries.length;
    },
    add(item, { costMs, waitMs, expired }) {
      if (entries.length >= itemsMax) return false;
      const entry: Entry<T> = {
        item,
        orderMs: clock.monotonicMs() + costMs,
        timer: setTimeout(() => {
          leave(entry);
          expired();
        }, waitMs),
      };
      const later = entries.findIndex((other) => other.orderMs > entry.orderMs);
      entries.splice(later < 0 ? entries.length : later, 0, entry);
      return true;
    },
    take() {
      const [first] = entries;
      if (first === undefined) return undefined;
      leave(first);
      return first.item;
    },
    drain() {
      const all = entries.splice(0);
      for (const { timer } of all) clearTimeout(timer);
      return all.map(({ item }) => item);
    },
  };
}
