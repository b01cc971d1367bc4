/** What is drawn of a mesh is the difference of two things it told. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  followMesh,
  hitRatio,
  type Moment,
  NO_LATENCY,
  percentile,
  ratesBetween,
  sumLatencies,
  sumRates,
} from "../../../src/http/mesh-rates.ts";
import type { StatusDocument } from "../../../src/http/status-document.ts";
import {
  countersWith,
  meshDocument,
  peerStatus,
  statusDocument,
} from "../../support/status-documents.ts";

const BOUNDS = [0.1, 1];
const took = (...counts: number[]): StatusDocument["latencies"] => ({
  boundsSeconds: BOUNDS,
  outcomes: [{ outcome: "hit", counts, seconds: 1 }],
});
const BEFORE: Moment = {
  at: 100,
  status: statusDocument({
    counters: countersWith({ http_bytes: 1000, lru_hit: 10 }),
    peers: [peerStatus("edge-2", { answers: 5, bodyBytes: 50 })],
    latencies: took(1, 1, 1),
  }),
};
const AFTER: Moment = {
  at: 102,
  status: statusDocument({
    uptimeSeconds: 9,
    counters: countersWith({ http_bytes: 5000, lru_hit: 40, lru_miss: 10 }),
    peers: [peerStatus("edge-2", { answers: 9, bodyBytes: 2050 })],
    latencies: took(7, 3, 1),
  }),
};

describe("rates", () => {
  test("are what was counted between two statuses, over the time between them", () => {
    const rates = ratesBetween(BEFORE, AFTER);
    expect(rates?.counters).toMatchObject({ http_bytes: 2000, lru_hit: 15, http_requests: 0 });
    expect(rates?.outcomes).toEqual({ hit: 4 });
    expect(rates?.latency).toEqual({ boundsSeconds: BOUNDS, counts: [6, 2, 0] });
    expect(rates?.flows).toEqual([{ from: "edge-2", answersPerSecond: 2, bytesPerSecond: 1000 }]);
    expect(rates && hitRatio(rates.counters)).toBe(0.75);
  });

  test("are none over a restart, nor where no time has passed", () => {
    expect(ratesBetween(AFTER, { ...BEFORE, at: 104 })).toBeUndefined();
    expect(ratesBetween(BEFORE, { ...AFTER, at: 100 })).toBeUndefined();
  });

  test("are never below nothing: a count may lag", () => {
    const rates = ratesBetween(AFTER, {
      at: 103,
      status: { ...BEFORE.status, uptimeSeconds: 10 },
    });
    expect(rates?.counters.http_bytes).toBe(0);
    expect(rates?.flows[0]?.bytesPerSecond).toBe(0);
    expect(rates?.latency.counts).toEqual([0, 0, 0]);
  });

  test("of several nodes add up", () => {
    const rates = ratesBetween(BEFORE, AFTER);
    if (rates === undefined) throw new Error("no rates");
    const both = sumRates([rates, rates]);
    expect([both.counters.http_bytes, both.outcomes.hit]).toEqual([4000, 8]);
    expect(both.latency.counts).toEqual([12, 4, 0]);
    expect(sumRates([]).latency).toEqual(NO_LATENCY);
    expect(hitRatio(sumRates([]).counters)).toBeUndefined();
  });

  test("stay as they were while a node tells nothing new, and go with its status", () => {
    const at = (moment: Moment) =>
      meshDocument([{ name: "edge-1", status: moment.status, statusAt: moment.at }]);
    const first = followMesh(undefined, at(BEFORE));
    expect(first.get("edge-1")?.rates).toBeUndefined();
    const second = followMesh(first, at(AFTER));
    expect(second.get("edge-1")?.rates?.counters.http_bytes).toBe(2000);
    const third = followMesh(second, at(AFTER));
    expect(third.get("edge-1")).toBe(second.get("edge-1"));
    expect(followMesh(third, meshDocument([{ name: "edge-1" }])).size).toBe(0);
  });
});

describe("a percentile", () => {
  test("lies within its bucket, evenly spread", () => {
    const latency = { boundsSeconds: BOUNDS, counts: [8, 2, 0] };
    expect(percentile(latency, 0.4)).toBeCloseTo(0.05);
    expect(percentile(latency, 0.8)).toBeCloseTo(0.1);
    expect(percentile(latency, 0.9)).toBeCloseTo(0.55);
  });

  test("beyond the last bound is only known to be longer", () => {
    const latency = { boundsSeconds: BOUNDS, counts: [98, 0, 2] };
    expect(percentile(latency, 0.5)).toBeCloseTo(0.051, 3);
    expect(percentile(latency, 0.99)).toBe(Number.POSITIVE_INFINITY);
  });

  test("of nothing is none", () => {
    expect(percentile(NO_LATENCY, 0.5)).toBeUndefined();
    expect(percentile({ boundsSeconds: BOUNDS, counts: [0, 0, 0] }, 0.5)).toBeUndefined();
  });

  test("is never below that of a smaller part", () => {
    const counts = fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(counts, share, share, (some, a, b) => {
        const latency = { boundsSeconds: BOUNDS, counts: some };
        const low = percentile(latency, Math.min(a, b)) ?? 0;
        expect(percentile(latency, Math.max(a, b)) ?? 0).toBeGreaterThanOrEqual(low);
      }),
    );
  });

  test("over a longer time is that of the sum; other buckets are left out", () => {
    const one = { boundsSeconds: BOUNDS, counts: [1, 0, 0] };
    const other = { boundsSeconds: [5], counts: [1, 1] };
    expect(sumLatencies([NO_LATENCY, one, one, other]).counts).toEqual([2, 0, 0]);
  });
});
