/** How many requests of one worker wait for loads, for each and in all: beyond that they are refused. */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";

export interface Waiters {
  /**
   * Counts one more for the load `key` until what it returns is called, as often as one likes. Throws a Fault
   * `overloaded` at `LIMITS.loadWaitersMax` of one load, or `LIMITS.waitersMax` in all.
   */
  enter(key: string): () => void;
  readonly size: number;
}

const RETRY_MS = 1_000;

export function makeWaiters(
  limits: { readonly each: number; readonly all: number } = {
    each: LIMITS.loadWaitersMax,
    all: LIMITS.waitersMax,
  },
): Waiters {
  const waiting = new TurnoverMap<string, number>();
  let all = 0;
  return {
    enter(key) {
      const here = waiting.get(key) ?? 0;
      if (here >= limits.each || all >= limits.all) {
        throw new Fault("overloaded", "too many wait for it", { retryAfterMs: RETRY_MS });
      }
      waiting.set(key, here + 1);
      all++;
      let left = false;
      return () => {
        if (left) return;
        left = true;
        all--;
        const others = (waiting.get(key) ?? 1) - 1;
        if (others === 0) waiting.delete(key);
        else waiting.set(key, others);
      };
    },
    get size() {
      return all;
    },
  };
}

/** The body; `leave` is called when it ends, breaks off or is given back. */
export function leaveAtEnd(body: Body, leave: () => void): Body {
  return {
    async read() {
      try {
        const chunk = await body.read();
        if (chunk === undefined) leave();
        return chunk;
      } catch (error) {
        leave();
        throw error;
      }
    },
    cancel() {
      leave();
      body.cancel();
    },
  };
}
