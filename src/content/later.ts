/** Makes afterwards what another variant was sent for: in the background, without being asked again (spec §6). */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { relnameOf, type Variant } from "../base/variant.ts";
import type { Counters } from "../observe/counters.ts";
import { startContext } from "./context.ts";
import { serveAsOwner } from "./owner.ts";
import type { Later, Parts } from "./parts.ts";

interface Order {
  readonly parts: Parts;
  readonly name: Variant;
  readonly originalExt: string | undefined;
  readonly tries: number;
}

/**
 * Of one worker. Names wait here and not in the image queue: nothing is held for them, neither files nor room nor
 * flights, until it is their turn.
 */
export function makeLater(options: {
  readonly clock: Clock;
  readonly counters: Counters;
  /** Default `DEADLINES.imageLaterRestMs`. */
  readonly restMs?: number;
}): Later {
  const { clock, counters, restMs = DEADLINES.imageLaterRestMs } = options;
  /** The oldest first. */
  const waiting = new TurnoverMap<string, Order>();
  const making = new Set<string>();
  let resting: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const rest = (): void => {
    resting ??= setTimeout(() => {
      resting = undefined;
      begin();
    }, restMs);
  };

  const make = async (key: string, order: Order): Promise<void> => {
    const { parts, name, originalExt } = order;
    making.add(key);
    try {
      const budgetMs = DEADLINES.imageLaterMs;
      const context = startContext(clock, { originalExt, later: true, budgetMs });
      const served = await serveAsOwner(parts, name, context);
      if (served.kind === "stream") served.body.cancel();
      counters.add("made_later");
    } catch (error) {
      const tries = order.tries + 1;
      const again = FAULTS[asFault(error).code].retry && tries < LIMITS.laterTriesMax;
      if (again && !closed) {
        waiting.set(key, { ...order, tries });
        rest();
      } else counters.add("later_dropped");
    } finally {
      making.delete(key);
      begin();
    }
  };

  const begin = (): void => {
    while (!closed && resting === undefined && making.size < LIMITS.laterAtOnceMax) {
      const [first] = waiting;
      if (first === undefined) return;
      const [key, order] = first;
      waiting.delete(key);
      void make(key, order);
    }
  };

  return {
    order(parts, name, { originalExt }) {
      const key = relnameOf(name);
      if (closed || waiting.has(key) || making.has(key)) return;
      if (waiting.size >= LIMITS.laterMax) {
        counters.add("later_dropped");
        return;
      }
      waiting.set(key, { parts, name, originalExt, tries: 0 });
      // those who wait now come first
      rest();
    },
    [Symbol.dispose]() {
      closed = true;
      clearTimeout(resting);
      waiting.clear();
    },
  };
}
