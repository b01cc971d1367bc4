/** The arithmetic of a load: popularity, schedule, latencies. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeLots, zipfWeights } from "../../../../src/cli/bench/draw-lots.ts";
import {
  LATENCY_SLOTS,
  latencyBars,
  percentileMs,
  slotOf,
  slotStartMs,
} from "../../../../src/cli/bench/latencies.ts";
import { makeSchedule } from "../../../../src/cli/bench/schedule.ts";
import { makeRandom } from "../../../../src/cli/demo/random.ts";

describe("lots", () => {
  test("come up in proportion to their weights", () => {
    const weights = zipfWeights(50, 0.9);
    const sum = weights.reduce((a, b) => a + b, 0);
    const drawn = new Float64Array(50);
    const lots = makeLots(weights);
    const random = makeRandom(7);
    const draws = 400_000;
    for (let i = 0; i < draws; i++) {
      const drew = lots.draw(random);
      drawn[drew] = (drawn[drew] ?? 0) + 1;
    }
    weights.forEach((weight, k) => {
      const wanted = (weight / sum) * draws;
      // five standard deviations; the seed is fixed
      expect(Math.abs((drawn[k] ?? 0) - wanted)).toBeLessThan(5 * Math.sqrt(wanted));
    });
  });

  test("of weight 0 never come up, and a single one always does", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 9 }), fc.nat(), (given, seed) => {
        const weights = Float64Array.from([...given, 1]);
        const lots = makeLots(weights);
        const random = makeRandom(seed);
        for (let i = 0; i < 50; i++) expect(weights[lots.draw(random)]).toBeGreaterThan(0);
      }),
    );
    expect(makeLots(zipfWeights(1, 3)).draw(makeRandom(1))).toBe(0);
  });
});

describe("the schedule", () => {
  const dues = (options: {
    perSecond: number;
    rampMs: number;
    seed: number;
    untilMs: number;
  }): number[] => {
    const schedule = makeSchedule({ ...options, random: makeRandom(options.seed) });
    const all: number[] = [];
    for (; schedule.dueMs() < options.untilMs; schedule.advance()) all.push(schedule.dueMs());
    return all;
  };

  test("has as many requests as its rate asks for, never going back", () => {
    const all = dues({ perSecond: 1000, rampMs: 0, seed: 3, untilMs: 100_000 });
    expect(Math.abs(all.length - 100_000)).toBeLessThan(5 * Math.sqrt(100_000));
    expect(all.every((due, i) => due >= (all[i - 1] ?? 0))).toBe(true);
  });

  test("is a Poisson process: gaps vary as much as their mean is long", () => {
    const all = dues({ perSecond: 1000, rampMs: 0, seed: 4, untilMs: 100_000 });
    const gaps = all.slice(1).map((due, i) => due - (all[i] ?? 0));
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((a, gap) => a + (gap - mean) ** 2, 0) / gaps.length);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });

  test("rises evenly over the ramp: half of it has a quarter of its requests", () => {
    const all = dues({ perSecond: 2000, rampMs: 50_000, seed: 5, untilMs: 60_000 });
    const inRamp = all.filter((due) => due < 50_000).length;
    expect(inRamp / 50_000).toBeCloseTo(1, 1);
    expect(all.filter((due) => due < 25_000).length / inRamp).toBeCloseTo(0.25, 1);
    expect((all.length - inRamp) / 20_000).toBeCloseTo(1, 1);
  });
});

describe("latencies", () => {
  test("are kept within 0.4 %, from 12.8 µs to 429 s", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.0128, max: 429_000, noNaN: true }), (ms) => {
        const slot = slotOf(ms);
        expect(slot).toBeLessThan(LATENCY_SLOTS);
        expect(slotStartMs(slot)).toBeLessThanOrEqual(ms);
        expect(slotStartMs(slot + 1)).toBeGreaterThanOrEqual(ms);
        const counts = new Uint32Array(LATENCY_SLOTS);
        counts[slot] = 1;
        expect(Math.abs(percentileMs(counts, 0.5) - ms) / ms).toBeLessThanOrEqual(0.004);
      }),
      { numRuns: 1000 },
    );
  });

  test("longer than that count as the longest", () => {
    expect(slotOf(1e9)).toBe(LATENCY_SLOTS - 1);
    expect(slotOf(0)).toBe(0);
  });

  test("have the percentiles of a sorted list", () => {
    const latency = fc.double({ min: 0.02, max: 60_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), (all) => {
        const counts = new Uint32Array(LATENCY_SLOTS);
        for (const ms of all) counts[slotOf(ms)] = (counts[slotOf(ms)] ?? 0) + 1;
        const sorted = all.toSorted((a, b) => a - b);
        for (const share of [0.5, 0.9, 0.99, 0.999, 0.9999, 1]) {
          const wanted = sorted[Math.ceil(share * all.length - 1e-9) - 1] ?? Number.NaN;
          expect(Math.abs(percentileMs(counts, share) - wanted) / wanted).toBeLessThanOrEqual(
            0.004,
          );
        }
      }),
    );
    expect(percentileMs(new Uint32Array(LATENCY_SLOTS), 0.5)).toBeNaN();
  });

  test("fall into bars of 1, 2, 5, of which none is missing in between", () => {
    const counts = new Uint32Array(LATENCY_SLOTS);
    for (const ms of [0.15, 0.16, 0.9, 3, 3]) counts[slotOf(ms)] = (counts[slotOf(ms)] ?? 0) + 1;
    expect(latencyBars(counts)).toEqual([
      { ms: 0.2, count: 2 },
      { ms: 0.5, count: 0 },
      { ms: 1, count: 1 },
      { ms: 2, count: 0 },
      { ms: 5, count: 2 },
    ]);
  });
});
