/** Image jobs that wait, in three lanes: small outputs, other ones, and what is made later; each bounded, none starved. */

import type { Clock } from "../base/clock.ts";
import { type JobQueue, makeJobQueue } from "./job-queue.ts";

/** In the order in which equals are taken. */
export const LANES = ["small", "now", "later"] as const;
export type Lane = (typeof LANES)[number];

/**
 * Shares of the image workers' time while every lane has jobs: what a lane does not use goes to the others. So
 * small outputs are made first unless they alone would take more than eight parts of thirteen.
 */
export const LANE_WEIGHTS: Readonly<Record<Lane, number>> = { small: 8, now: 4, later: 1 };
/** No job is free: a header looked at costs a round trip. */
const COST_LEAST_MS = 5;

export interface Lanes<T> {
  readonly sizes: Readonly<Record<Lane, number>>;
  /** undefined when the lane is full. `expired` as in `JobQueue.add`. */
  add(item: T, wish: LaneWish): LanePlace | undefined;
  /** The next item by the lanes' shares, and by order within its lane. */
  take(): T | undefined;
  /** At most `itemsMax` waiting items that `test` picks, out of their lanes and on their accounts. */
  takeAll(test: (item: T) => boolean, itemsMax: number): T[];
}

export interface LaneWish {
  readonly lane: Lane;
  readonly costMs: number;
  readonly waitMs: number;
  readonly expired: () => void;
}

/** Where an item waits. */
export interface LanePlace {
  /** Takes it out; false when it does not wait any more. */
  leave(): boolean;
  /** Puts it behind those of another lane, with a new wait; false when it does not wait any more or there is no room. */
  move(to: Pick<LaneWish, "lane" | "waitMs">): boolean;
}

export function makeLanes<T>(options: {
  readonly itemsMax: Readonly<Record<Lane, number>>;
  readonly clock: Clock;
}): Lanes<T> {
  const { itemsMax, clock } = options;
  const lane = (name: Lane): LaneState<T> => ({
    queue: makeJobQueue({ itemsMax: itemsMax[name], clock }),
    weight: LANE_WEIGHTS[name],
    usedMs: 0,
  });
  const lanes = { small: lane("small"), now: lane("now"), later: lane("later") };
  /** The account of the lane that was served last: one that was empty does not save up time. */
  let nowMs = 0;

  const put = (waiting: Waiting<T>, name: Lane, wish: Omit<LaneWish, "lane">) => {
    const to = lanes[name];
    if (to.queue.size === 0) to.usedMs = Math.max(to.usedMs, nowMs);
    return to.queue.add(waiting, wish);
  };

  const charge = (name: Lane, costMs: number): void => {
    lanes[name].usedMs += Math.max(COST_LEAST_MS, costMs) / lanes[name].weight;
  };

  return {
    get sizes() {
      const { small, now, later } = lanes;
      return { small: small.queue.size, now: now.queue.size, later: later.queue.size };
    },
    add(item, { lane: first, ...wish }) {
      const waiting: Waiting<T> = { item, costMs: wish.costMs };
      let name = first;
      let place = put(waiting, name, wish);
      if (place === undefined) return undefined;
      return {
        leave: () => place?.leave() ?? false,
        move(to) {
          if (place?.leave() !== true) return false;
          const moved = put(waiting, to.lane, { ...wish, waitMs: to.waitMs });
          name = moved === undefined ? name : to.lane;
          // it has just left, so its old place is free
          place = moved ?? put(waiting, name, wish);
          return moved !== undefined;
        },
      };
    },
    take() {
      const [next] = LANES.filter((name) => lanes[name].queue.size > 0).sort(
        (a, b) => lanes[a].usedMs - lanes[b].usedMs,
      );
      if (next === undefined) return undefined;
      const taken = lanes[next].queue.take();
      if (taken === undefined) return undefined;
      nowMs = lanes[next].usedMs;
      charge(next, taken.costMs);
      return taken.item;
    },
    takeAll(test, most) {
      const found: T[] = [];
      for (const name of LANES) {
        for (const { item, costMs } of lanes[name].queue.takeAll(
          (waiting) => test(waiting.item),
          most - found.length,
        )) {
          found.push(item);
          charge(name, costMs);
        }
      }
      return found;
    },
  };
}

interface Waiting<T> {
  readonly item: T;
  readonly costMs: number;
}

interface LaneState<T> {
  readonly queue: JobQueue<Waiting<T>>;
  readonly weight: number;
  /** Cost of what was taken, divided by the weight: the lane with the least is next. */
  usedMs: number;
}
