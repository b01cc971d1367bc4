/** The nearest valid name. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearestName } from "../../../src/topology/nearest.ts";

test.each([
  ["", "", 0],
  ["port", "port", 0],
  ["prot", "port", 1],
  ["prt", "port", 1],
  ["ports", "port", 1],
  ["poet", "port", 1],
  ["kitten", "sitting", 3],
  ["ca", "abc", 3],
])("from %j to %j are %d edits", (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
});

test("the distance is the same both ways and at most the longer length", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});

test("the nearest name wins, the first of equals, whatever its case and dashes", () => {
  expect(nearestName("cache_dirr", ["cache_dirs", "cache_dir"])).toBe("cache_dirs");
  expect(nearestName("Cache-Dir", ["name", "cache_dir"])).toBe("cache_dir");
  expect(nearestName("widht", ["height", "width"])).toBe("width");
});

test("a name that is nowhere near gives none, and neither does a very long one", () => {
  expect(nearestName("colour", ["port", "host"])).toBeUndefined();
  expect(nearestName("x".repeat(64), ["x".repeat(63)])).toBe("x".repeat(63));
  expect(nearestName("x".repeat(65), ["x".repeat(64)])).toBeUndefined();
});
