/** Counters, a log and a clock for a part under test, all of which can be looked at. */

import type { Clock } from "../../src/base/clock.ts";
import {
  type CounterName,
  type Counters,
  createCounterMemory,
  openCounters,
  readCounters,
} from "../../src/observe/counters.ts";
import { type Log, makeLog } from "../../src/observe/log.ts";

export interface WatchedParts {
  readonly counters: Counters;
  readonly log: Log;
  /** Stands still until it is told to go on. */
  readonly clock: Clock & { advance(ms: number): void };
  count(name: CounterName): number;
  /** Lines logged so far. */
  readonly lines: readonly string[];
}

export function watchedParts(): WatchedParts {
  const memory = createCounterMemory(1);
  const lines: string[] = [];
  let nowMs = 1_000_000;
  return {
    counters: openCounters(memory, 0),
    log: makeLog({ node: "test", level: "debug", json: false, write: (line) => lines.push(line) }),
    clock: {
      monotonicMs: () => nowMs,
      wallSeconds: () => Math.floor(nowMs / 1000),
      advance(ms) {
        nowMs += ms;
      },
    },
    count: (name) => readCounters(memory)[name],
    lines,
  };
}
