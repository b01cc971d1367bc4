/** Whom of several that have it to ask. */

import { describe, expect, test } from "bun:test";
import { type Choice, lessLoaded } from "../../../../src/content/hot/load.ts";

const of = (name: string, rate: number, busy = 0, weight = 1): Choice => ({
  name,
  weight,
  load: { rate, busy },
});
/** Gives these figures one after the other. */
const drawn = (...values: number[]): (() => number) => {
  const left = [...values];
  return () => left.shift() ?? 0;
};

describe("of two at random", () => {
  test("the one that answers less is asked", () => {
    const choices = [of("a", 100), of("b", 50), of("c", 10)];
    expect(lessLoaded(choices, drawn(0, 0))).toBe("b");
    expect(lessLoaded(choices, drawn(0.5, 0))).toBe("b");
    expect(lessLoaded(choices, drawn(0, 0.9))).toBe("c");
  });

  test("what a server is meant to take counts", () => {
    expect(lessLoaded([of("a", 100), of("b", 150, 0, 2)], drawn(0, 0))).toBe("b");
  });

  test("one that nobody has heard of counts as idle", () => {
    const unknown = { name: "b", weight: 1, load: undefined };
    expect(lessLoaded([of("a", 1), unknown], drawn(0, 0))).toBe("b");
  });
});

describe("passed over is", () => {
  test("one with more than a quarter above the mean under way", () => {
    const choices = [of("a", 1, 20), of("b", 100, 10), of("c", 100, 10)];
    for (const first of [0, 0.4, 0.9]) expect(lessLoaded(choices, drawn(first, 0))).not.toBe("a");
  });

  test("nobody for the one or two that are under way anywhere", () => {
    expect(lessLoaded([of("a", 1, 2), of("b", 100, 0)], drawn(0, 0))).toBe("a");
  });
});

test("the only one is asked however loaded, and of none nobody", () => {
  expect(lessLoaded([of("a", 1000, 1000)], drawn(0, 0))).toBe("a");
  expect(lessLoaded([], drawn(0, 0))).toBeUndefined();
});
