/** What the node nearest to the client did for an answer, as a number, from its `Cache-Status`. */

import { parseCacheStatus } from "../demo/cache-status.ts";
import type { SourceOf } from "./answer-head.ts";
import { BENCH_LIMITS } from "./bounds.ts";
import { HIT_SOURCE, SOURCE_NAMES, UNKNOWN_SOURCE } from "./tally.ts";

/** Values come again and again, so each is read once; how many are remembered is bounded. */
export function makeSourceOf(remembered: number = BENCH_LIMITS.cacheStatusesMax): SourceOf {
  const known = new Map<string, number>();
  return {
    hit: HIT_SOURCE,
    other(value) {
      const before = known.get(value);
      if (before !== undefined) return before;
      const last = parseCacheStatus(value)?.at(-1)?.source;
      const source = last === undefined ? UNKNOWN_SOURCE : SOURCE_NAMES.indexOf(last);
      if (known.size < remembered) known.set(value, source);
      return source;
    },
  };
}
