/** Jobs that wait for an image worker: bounded, small ones a little ahead, each with its own deadline. */

import type { Clock } from "../base/clock.ts";

export interface JobQueue<T> {
  readonly size: number;
  /** undefined when it is full. `expired` is called if `item` has not been taken after `waitMs`. */
  add(
    item: T,
    options: { readonly costMs: number; readonly waitMs: number; readonly expired: () => void },
  ): Place | undefined;
  /** The next item; undefined when there is none. */
  take(): T | undefined;
  /** The first items that `test` picks, at most so many, out of the queue. */
  takeAll(test: (item: T) => boolean, itemsMax: number): T[];
}

/** Where an item waits. */
export interface Place {
  /** Takes it out; false when it does not wait any more. */
  leave(): boolean;
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

  const leave = (entry: Entry<T>): boolean => {
    clearTimeout(entry.timer);
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
    return at >= 0;
  };

  return {
    get size() {
      return entries.length;
    },
    add(item, { costMs, waitMs, expired }) {
      if (entries.length >= itemsMax) return undefined;
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
      return { leave: () => leave(entry) };
    },
    take() {
      const [first] = entries;
      if (first === undefined) return undefined;
      leave(first);
      return first.item;
    },
    takeAll(test, most) {
      const found = entries.filter(({ item }) => test(item)).slice(0, most);
      for (const entry of found) leave(entry);
      return found.map(({ item }) => item);
    },
  };
}
