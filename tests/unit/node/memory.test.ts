/** How large the index of a node is. */

import { describe, expect, test } from "bun:test";
import { variantsOf } from "../../../src/cache/memory.ts";
import { slotsFor } from "../../../src/node/memory.ts";

const GIB = 2 ** 30;

describe("the index", () => {
  test("has room for the capacity full of typical variants, also beyond 4 GiB of slots", () => {
    for (const capacity of [100 * GIB, 5_000 * GIB, 20_000 * GIB]) {
      const variants = variantsOf(slotsFor(capacity, 4096 * GIB));
      expect(variants * 48 * 1024).toBeGreaterThanOrEqual(capacity - 48 * 1024);
      expect(variants * 48 * 1024).toBeLessThan(capacity * 1.01);
    }
  });

  test("takes at most a quarter of the memory there is", () => {
    expect(slotsFor(1_000_000 * GIB, 16 * GIB) * (64 + 0.62 * 24)).toBeLessThanOrEqual(4 * GIB);
    expect(slotsFor(1_000_000 * GIB, 2 ** 50)).toBe(2 ** 31 - 2);
  });

  test("has some room whatever the figures are", () => {
    expect(slotsFor(1, 1)).toBe(16_384);
  });
});
