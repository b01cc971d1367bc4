/** The figures of spec §7, and the degree of replication. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  copyOrder,
  decayed,
  degreeOf,
  rateOf,
  thresholdOf,
} from "../../../../src/content/hot/heat.ts";

test("a score of 3.0 is 2.7 after 40 s of a half-life of 300 s, and half after one", () => {
  expect(decayed(3, 40_000, 300_000).toFixed(1)).toBe("2.7");
  expect(decayed(3, 300_000, 300_000)).toBeCloseTo(1.5);
  expect(decayed(3, 0, 300_000)).toBe(3);
});

test("hot is what reaches 297 at 60,000 requests a minute, and 5 at 100 or none", () => {
  expect(thresholdOf(60_000)).toBeCloseTo(297);
  expect(thresholdOf(100)).toBe(5);
  expect(thresholdOf(0)).toBe(5);
});

test("a steady rate is read from a score, of an item that is old or new", () => {
  const perSecond = 50;
  for (const [seconds, halfLifeMs] of [
    [5, 10_000],
    [600, 10_000],
    [60, 300_000],
  ] as const) {
    let score = 0;
    for (let at = 0; at < seconds * perSecond; at++) {
      score = decayed(score, 1000 / perSecond, halfLifeMs) + 1;
    }
    expect(rateOf(score, seconds * 1000, halfLifeMs)).toBeWithin(48, 52);
  }
});

describe("the degree of replication", () => {
  test("half of all requests need all of six servers", () => {
    expect(degreeOf(0.5, 6)).toBe(6);
  });

  test("what is hardly asked for stays with its owner; a lone server has all", () => {
    expect(degreeOf(0.001, 6)).toBe(1);
    expect(degreeOf(0, 6)).toBe(1);
    expect(degreeOf(0.9, 1)).toBe(1);
  });

  test("no server that has it is more than a sixteenth above the mean by it, and no copy is more than needed", () => {
    const share = fc.double({ min: 0.0001, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, fc.integer({ min: 1, max: 1000 }), (s, servers) => {
        const above = (k: number): number => (s * servers) / k - s;
        const degree = degreeOf(s, servers);
        expect(degree).toBeWithin(1, servers + 1);
        if (degree < servers) expect(above(degree)).toBeLessThanOrEqual(1 / 16 + 1e-9);
        if (degree > 1) expect(above(degree - 1)).toBeGreaterThan(1 / 16 - 1e-9);
      }),
    );
  });
});

describe("copies go to", () => {
  test("the ranks behind the owner", () => {
    expect(copyOrder("rendezvous", ["a", "b", "c", "d"])).toEqual(["b", "c", "d"]);
  });

  test("owner + 1, then owner − 1, where the owner is found by a remainder", () => {
    expect(copyOrder("md5-modulo", ["c", "d", "e", "a", "b"])).toEqual(["d", "b", "e", "a"]);
    expect(copyOrder("md5-modulo", ["b", "a"])).toEqual(["a"]);
    expect(copyOrder("md5-modulo", ["a"])).toEqual([]);
  });
});
