/** From where a variant is had: this disk, the next level, peers, the store (spec §1 and §6). */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Candidate, isSufficient, type Place, planVariant } from "../../../src/image/plan.ts";
import { BOXES, shapeOf, source, target } from "../../support/plan-cases.ts";

describe("planVariant", () => {
  const sm = target("sm", "jpg");
  const large = { ...source("orig", "jpg", 0, "origin"), bytes: 15_000_000 };
  const peer = { ...source("md", "jpg", 1, "peer"), bytes: 120_000 };
  const here = { ...source("md", "jpg", 1), bytes: 120_000 };
  const cases: readonly (readonly [string, Candidate[], boolean, Candidate | "ask" | "nothing"])[] =
    [
      ["what is here comes first", [large, peer, here], false, here],
      [
        "even where the original is all there is here",
        [{ ...large, place: "local" }],
        false,
        { ...large, place: "local" },
      ],
      ["without, the next level makes it", [peer], false, "ask"],
      ["a source too small is none", [{ ...source("xs", "jpg", 1), place: "local" }], false, "ask"],
      [
        "the last level takes what a peer has before a large original of the store",
        [large, peer],
        true,
        peer,
      ],
      ["and the original where that is all", [large], true, large],
      [
        "a peer's original before the store's",
        [large, { ...large, place: "peer" }],
        true,
        { ...large, place: "peer" },
      ],
      [
        "a small original of the store before a huge variant of a peer",
        [
          { ...source("xl", "png", 0, "peer"), bytes: 30_000_000 },
          { ...large, bytes: 300_000 },
        ],
        true,
        { ...large, bytes: 300_000 },
      ],
      ["what is not sufficient anywhere is nothing", [{ ...peer, lossySteps: 2 }], true, "nothing"],
    ];
  for (const [name, sources, isLowest, expected] of cases) {
    test(name, () => {
      const plan = planVariant(sm, { sources, isLowest });
      const said = plan.kind === "make" ? plan.from : plan.kind;
      expect(said).toEqual(expected);
    });
  }

  test("a thumbnail never pulls a large original while a sufficient variant is in reach", () => {
    const sizes = fc.constantFrom(...(Object.keys(BOXES) as (keyof typeof BOXES)[]));
    const some = fc.record({
      size: sizes,
      ext: fc.constantFrom("jpg", "webp", "avif", "png", "gif"),
      lossySteps: fc.nat({ max: 2 }),
      place: fc.constantFrom<Place>("local", "peer"),
      // as large as variants of the largest photographs come
      bytes: fc.integer({ min: 100, max: 3_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(some, { maxLength: 6 }),
        fc.constantFrom("xs", "sm", "placeholder"),
        (others, size) => {
          const wanted = target(size, "webp", { width: 8000, height: 6000 });
          const sources = others.map((o) => ({ ...o, shape: shapeOf(o.size) }));
          const plan = planVariant(wanted, { sources: [large, ...sources], isLowest: true });
          const some = sources.some((s) => isSufficient(s, wanted));
          expect(plan.kind === "make" && plan.from === large).toBe(!some);
        },
      ),
    );
  });
});
