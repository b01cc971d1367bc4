/** What an owner remembers of copies. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import { Copies } from "../../../../src/content/hot/copies.ts";

test("a copy is remembered from its acknowledgement until nothing was heard of it", () => {
  const copies = new Copies();
  copies.add("a", "edge-2", 0);
  copies.add("a", "edge-3", 0);
  copies.hear("a", "edge-3", 10);
  copies.hear("a", "edge-4", 10);
  expect(copies.of("a")).toEqual(["edge-2", "edge-3"]);
  expect(copies.expire(5)).toEqual([{ relname: "a", server: "edge-2" }]);
  expect(copies.table()).toEqual([["a", ["edge-3"]]]);
  copies.forget("a");
  expect([copies.count, copies.table()]).toEqual([0, []]);
});

test("who looks sees whether anything has changed", () => {
  const copies = new Copies();
  copies.add("a", "edge-2", 0);
  const { changes } = copies;
  copies.add("a", "edge-2", 5);
  copies.hear("a", "edge-2", 6);
  expect(copies.changes).toBe(changes);
  copies.forget("a");
  expect(copies.changes).toBeGreaterThan(changes);
});

test("no more copies are remembered than there may be", () => {
  const copies = new Copies();
  for (let n = 0; n <= LIMITS.hotCopiesMax; n++) copies.add(`${n % 1000}`, `edge-${n}`, 0);
  expect(copies.count).toBe(LIMITS.hotCopiesMax);
});
