/** Refusals remembered: which, for how long, how many. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { makeNegatives } from "../../../src/content/negatives.ts";

function fixture() {
  let now = 0;
  const clock = { monotonicMs: () => now, wallSeconds: () => 0 };
  const negatives = makeNegatives(clock);
  const remembered = (key: string): boolean => {
    try {
      negatives.check(key);
      return false;
    } catch (error) {
      return error instanceof Fault;
    }
  };
  return {
    negatives,
    remembered,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe("negatives", () => {
  test("a 404 is remembered for ten seconds, a 422 for sixty", () => {
    const { negatives, remembered, pass } = fixture();
    negatives.keep("gone", new Fault("not_found", "no such picture"));
    negatives.keep("bad", new Fault("undecodable", "damaged"));
    pass(DEADLINES.negativeOriginMs - 1);
    expect([remembered("gone"), remembered("bad")]).toEqual([true, true]);
    pass(1);
    expect([remembered("gone"), remembered("bad")]).toEqual([false, true]);
    pass(DEADLINES.negativeUndecodableMs);
    expect(remembered("bad")).toBe(false);
  });

  test("trouble that may pass is never remembered", () => {
    const { negatives, remembered } = fixture();
    for (const code of [
      "bad_origin",
      "too_slow",
      "overloaded",
      "peer_failed",
      "internal",
    ] as const) {
      negatives.keep(code, new Fault(code, "trouble"));
      expect(remembered(code)).toBe(false);
    }
  });

  test("new content clears it", () => {
    const { negatives, remembered } = fixture();
    const gone = new Fault("not_found", "no such picture");
    const keys = ["abcdef01", "abcdef01/orig", "abcdef01/facts", "ab/cd/ef/md/abcdef01.jpg"];
    for (const key of [...keys, "abcdef02"]) negatives.keep(key, gone);
    negatives.clearId("abcdef01");
    expect(keys.map(remembered)).toEqual(keys.map(() => false));
    expect(remembered("abcdef02")).toBe(true);
  });

  test("what was under way when new content came cannot bring it back", () => {
    const { negatives, remembered, pass } = fixture();
    const gone = new Fault("not_found", "no such picture");
    negatives.clearId("abcdef01");
    pass(DEADLINES.requestMs - 1);
    for (const key of ["abcdef01", "ab/cd/ef/md/abcdef01.jpg", "abcdef02"]) {
      negatives.keep(key, gone);
    }
    expect(remembered("abcdef01")).toBe(false);
    expect(remembered("ab/cd/ef/md/abcdef01.jpg")).toBe(false);
    expect(remembered("abcdef02")).toBe(true);
    pass(1);
    negatives.keep("abcdef01", gone);
    expect(remembered("abcdef01")).toBe(true);
  });

  test("ids that were cleared are remembered up to the same limit", () => {
    const { negatives, remembered } = fixture();
    for (let i = 0; i <= LIMITS.negativeMax; i++) negatives.clearId(`id-${i}`);
    for (const i of [0, 1]) negatives.keep(`id-${i}`, new Fault("not_found", "no such picture"));
    expect([remembered("id-0"), remembered("id-1")]).toEqual([true, false]);
  });

  test("the oldest goes when the limit is reached", () => {
    const { negatives, remembered } = fixture();
    for (let i = 0; i <= LIMITS.negativeMax; i++) {
      negatives.keep(`id-${i}`, new Fault("not_found", "no such picture"));
    }
    expect(remembered("id-0")).toBe(false);
    expect(remembered("id-1")).toBe(true);
    expect(remembered(`id-${LIMITS.negativeMax}`)).toBe(true);
  });
});
