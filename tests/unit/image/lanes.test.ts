/** The three lanes of waiting image jobs: their shares, their bounds, and how an item leaves or changes its lane. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Clock } from "../../../src/base/clock.ts";
import { LANE_WEIGHTS, LANES, type Lane, makeLanes } from "../../../src/image/lanes.ts";
import { makeWorkload } from "../../../src/image/workload.ts";

const clock: Clock = { monotonicMs: () => 0, wallSeconds: () => 0 };
const wish = { costMs: 10, waitMs: 60_000, expired() {} };
const itemsMax = { small: 500, now: 500, later: 500 };

function lanesWith(
  counts: Partial<Record<Lane, number>>,
  costs: Partial<Record<Lane, number>> = {},
) {
  const lanes = makeLanes<Lane>({ itemsMax, clock });
  for (const lane of LANES) {
    const costMs = costs[lane] ?? wish.costMs;
    for (let i = 0; i < (counts[lane] ?? 0); i++) lanes.add(lane, { ...wish, lane, costMs });
  }
  return lanes;
}

describe("shares", () => {
  test("small outputs go first, then what was asked for, then what is made later", () => {
    const lanes = lanesWith({ later: 1, now: 1, small: 1 });
    expect([lanes.take(), lanes.take(), lanes.take(), lanes.take()]).toEqual([
      "small",
      "now",
      "later",
      undefined,
    ]);
  });

  test("each lane gets its part of the time, whatever its jobs cost: none starves", () => {
    fc.assert(
      fc.property(
        fc.record({
          small: fc.integer({ min: 5, max: 40 }),
          now: fc.integer({ min: 40, max: 300 }),
          later: fc.integer({ min: 5, max: 300 }),
        }),
        (costs) => {
          const lanes = lanesWith({ small: 500, now: 500, later: 500 }, costs);
          const usedMs = { small: 0, now: 0, later: 0 };
          for (let i = 0; i < 300; i++) {
            const lane = lanes.take();
            if (lane !== undefined) usedMs[lane] += costs[lane];
          }
          const parts = LANES.map((lane) => usedMs[lane] / LANE_WEIGHTS[lane]);
          // no account is further behind than one job of the dearest lane takes
          const step = Math.max(...LANES.map((lane) => costs[lane] / LANE_WEIGHTS[lane]));
          expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(2 * step);
        },
      ),
    );
  });

  test("a lane that was empty for long has not saved up time", () => {
    const lanes = lanesWith({ small: 400, now: 10 });
    for (let i = 0; i < 200; i++) lanes.take();
    for (let i = 0; i < 20; i++) lanes.add("later", { ...wish, lane: "later" });
    const next = Array.from({ length: 26 }, () => lanes.take());
    expect(next.filter((lane) => lane === "later").length).toBeLessThanOrEqual(4);
  });

  test("what is left over goes to whoever has jobs", () => {
    const lanes = lanesWith({ later: 3 });
    expect([lanes.take(), lanes.take(), lanes.take()]).toEqual(["later", "later", "later"]);
  });
});

describe("bounds", () => {
  test("a full lane takes no more; the others still do", () => {
    const lanes = makeLanes<string>({ itemsMax: { small: 1, now: 1, later: 1 }, clock });
    for (const lane of LANES) {
      expect(lanes.add("a", { ...wish, lane })).toBeDefined();
      expect(lanes.add("b", { ...wish, lane })).toBeUndefined();
    }
    expect(lanes.sizes).toEqual({ small: 1, now: 1, later: 1 });
  });
});

describe("an item that waits", () => {
  test("may leave, once", () => {
    const lanes = makeLanes<string>({ itemsMax, clock });
    const place = lanes.add("a", { ...wish, lane: "now" });
    expect([place?.leave(), place?.leave()]).toEqual([true, false]);
    expect(lanes.take()).toBeUndefined();
  });

  test("may be moved to another lane, where it waits anew", async () => {
    const lanes = makeLanes<string>({ itemsMax, clock });
    const expired = Promise.withResolvers<void>();
    const place = lanes.add("a", { ...wish, lane: "later", expired: expired.resolve });
    expect(place?.move({ lane: "now", waitMs: 1 })).toBe(true);
    expect(lanes.sizes).toEqual({ small: 0, now: 1, later: 0 });
    await expired.promise;
    expect(lanes.sizes.now).toBe(0);
    expect(place?.move({ lane: "small", waitMs: 1 })).toBe(false);
  });

  test("keeps its place when the other lane is full", () => {
    const lanes = makeLanes<string>({ itemsMax: { small: 1, now: 1, later: 1 }, clock });
    lanes.add("b", { ...wish, lane: "now" });
    const place = lanes.add("a", { ...wish, lane: "later" });
    expect(place?.move({ lane: "now", waitMs: 1 })).toBe(false);
    expect(lanes.sizes).toEqual({ small: 0, now: 1, later: 1 });
    expect(place?.leave()).toBe(true);
  });
});

describe("how long a job would wait", () => {
  const waiting = { small: 0, now: 0, later: 0 };

  test("not at all while a worker is free", () => {
    expect(makeWorkload(2).waitMs("now", { busy: 1, waiting })).toBe(0);
  });

  test("for what is ahead of it, by what such jobs took lately, shared by the workers", () => {
    const workload = makeWorkload(2);
    for (let i = 0; i < 200; i++) {
      workload.took(true, 10);
      workload.took(false, 100);
    }
    const ahead = { busy: 2, waiting: { small: 10, now: 4, later: 50 } };
    expect(workload.waitMs("small", ahead)).toBeCloseTo((10 * 10 + 100) / 2, -1);
    expect(workload.waitMs("now", ahead)).toBeCloseTo((10 * 10 + 5 * 100) / 2, -1);
    expect(workload.waitMs("later", ahead)).toBeCloseTo((10 * 10 + 55 * 100) / 2, -1);
  });

  test("nobody is told to come back at once, or in an hour", () => {
    const workload = makeWorkload(1);
    expect(workload.retryAfterMs("now", { busy: 0, waiting })).toBe(250);
    const ahead = { busy: 1, waiting: { small: 0, now: 5000, later: 0 } };
    expect(workload.retryAfterMs("now", ahead)).toBe(30_000);
  });
});
