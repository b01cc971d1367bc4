/** What one worker remembers of copies and loads. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../../src/base/deadlines.ts";
import { LIMITS } from "../../../../src/base/limits.ts";
import { KnownHolders } from "../../../../src/content/hot/known-holders.ts";
import { watchedParts } from "../../../support/watched-parts.ts";

const NAME = "vi/ra/l1/md/viral123.jpg";
const anybody = { owner: "owner", may: () => true, weight: () => 1 };

describe("what an owner says of copies", () => {
  test("is believed for a while, and until it says something else", () => {
    const { clock } = watchedParts();
    const known = new KnownHolders(clock, () => 0.9);
    known.learn(NAME, ["copy"]);
    expect(known.has(NAME)).toBe(true);
    clock.advance(DEADLINES.hotKnownMs);
    expect(known.has(NAME)).toBe(false);
    known.learn(NAME, ["copy"]);
    known.learn(NAME, undefined);
    expect(known.has(NAME)).toBe(false);
  });

  test("is forgotten when one of them had nothing, or the id was purged", () => {
    const known = new KnownHolders(watchedParts().clock);
    known.learn(NAME, ["copy"]);
    known.missed(NAME);
    expect(known.has(NAME)).toBe(false);
    known.learn(NAME, ["copy"]);
    known.learn("ot/he/r1/md/other123.jpg", ["copy"]);
    known.forget(new Set(["viral123"]));
    expect([known.has(NAME), known.has("ot/he/r1/md/other123.jpg")]).toEqual([false, true]);
  });

  test("is remembered of so many variants, those heard of last", () => {
    const known = new KnownHolders(watchedParts().clock);
    for (let n = 0; n <= LIMITS.hotKnownMax; n++) known.learn(`${n}`, ["copy"]);
    expect([known.has("0"), known.has("1"), known.has(`${LIMITS.hotKnownMax}`)]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe("whom to ask", () => {
  test("is the owner or one that has a copy, the less loaded", () => {
    const known = new KnownHolders(watchedParts().clock, () => 0);
    known.learn(NAME, ["copy"]);
    known.hear("owner", { rate: 9, busy: 0 });
    expect(known.choose(NAME, anybody)).toBe("copy");
    known.hear("copy", { rate: 10, busy: 0 });
    expect(known.choose(NAME, anybody)).toBe("owner");
  });

  test("is nobody that may not be asked", () => {
    const known = new KnownHolders(watchedParts().clock, () => 0);
    known.learn(NAME, ["copy"]);
    expect(known.choose(NAME, { ...anybody, may: (name) => name === "owner" })).toBe("owner");
    expect(known.choose(NAME, { ...anybody, may: () => false })).toBeUndefined();
  });

  test("goes by loads of late only", () => {
    const { clock } = watchedParts();
    const known = new KnownHolders(clock, () => 0);
    known.learn(NAME, ["copy"]);
    known.hear("copy", { rate: 10, busy: 0 });
    expect(known.loads()).toEqual([["copy", { rate: 10, busy: 0 }]]);
    clock.advance(DEADLINES.hotLoadMs);
    expect(known.loads()).toEqual([]);
  });
});
