/** Latencies in shared memory. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createHistogramMemory,
  LATENCY_BUCKETS,
  LATENCY_OUTCOMES,
  type LatencyOutcome,
  openHistogram,
  readLatencies,
} from "../../../src/observe/histogram.ts";

const sumsOf = (memory: SharedArrayBuffer, outcome: LatencyOutcome) => {
  const sums = readLatencies(memory).find((s) => s.outcome === outcome);
  if (sums === undefined) throw new Error(`no ${outcome}`);
  return sums;
};

describe("a latency", () => {
  test("falls into the first bucket whose end it does not pass", () => {
    const memory = createHistogramMemory(1);
    const histogram = openHistogram(memory, 0);
    for (const end of LATENCY_BUCKETS) histogram.observe("hit", end);
    expect(sumsOf(memory, "hit").counts).toEqual([...LATENCY_BUCKETS.map(() => 1), 0]);
  });

  test("beyond the last end falls into one bucket more", () => {
    const memory = createHistogramMemory(1);
    openHistogram(memory, 0).observe("hit", 30.001);
    expect(sumsOf(memory, "hit").counts.at(-1)).toBe(1);
  });

  test("counts for its own outcome and no other", () => {
    for (const outcome of LATENCY_OUTCOMES) {
      const memory = createHistogramMemory(2);
      openHistogram(memory, 1).observe(outcome, 0.002);
      for (const { outcome: other, counts, seconds } of readLatencies(memory)) {
        const count = counts.reduce((a, b) => a + b, 0);
        expect([count, seconds]).toEqual(other === outcome ? [1, 0.002] : [0, 0]);
      }
    }
  });

  test("of a clock that went wrong counts as none", () => {
    const memory = createHistogramMemory(1);
    const histogram = openHistogram(memory, 0);
    for (const seconds of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      histogram.observe("hit", seconds);
    }
    expect(sumsOf(memory, "hit")).toMatchObject({ seconds: 0 });
    expect(sumsOf(memory, "hit").counts[0]).toBe(3);
  });

  test("is summed over all threads, whichever saw it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.double({ min: 0, max: 60, noNaN: true })), {
          maxLength: 50,
        }),
        (seen) => {
          const memory = createHistogramMemory(4);
          const rows = [0, 1, 2, 3].map((row) => openHistogram(memory, row));
          for (const [row, seconds] of seen) rows[row]?.observe("peer", seconds);
          const { counts, seconds } = sumsOf(memory, "peer");
          expect(counts.reduce((a, b) => a + b, 0)).toBe(seen.length);
          expect(seconds).toBeCloseTo(
            seen.reduce((sum, [, s]) => sum + s, 0),
            6,
          );
        },
      ),
    );
  });

  test("is counted in cache lines of the thread's own", () => {
    expect((createHistogramMemory(3).byteLength / 3) % 64).toBe(0);
  });
});
