/** What is asked for again, told from what is asked for once, in a table of fixed size. */

import { expect, test } from "bun:test";
import { makeRamAsked } from "../../../src/http/ram-asked.ts";

function timesWorth(asked: ReturnType<typeof makeRamAsked>, key: string, times: number): number[] {
  return Array.from({ length: times }, (_, i) => i + 1).filter(() => asked.isWorth(key));
}

test("it is worth a place the second time, then each time its count has doubled", () => {
  expect(timesWorth(makeRamAsked(1), "a", 20)).toEqual([2, 4, 8, 16]);
});

test("a thousand others in between change nothing", () => {
  const asked = makeRamAsked(1);
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
  expect(keys.filter((key) => asked.isWorth(key))).toEqual([]);
  const second = keys.filter((key) => asked.isWorth(key));
  // two of one place count as one that was asked for once
  expect(second.length).toBeGreaterThan(900);
});

test("a million others in between do: the window is bounded, and so is the table", () => {
  const asked = makeRamAsked(1);
  asked.isWorth("a");
  for (let i = 0; i < 1_000_000; i++) asked.isWorth(`key ${i}`);
  expect(asked.isWorth("a")).toBe(false);
  expect(asked.bytes).toBe(65_536);
});

test("a count fades with the counts of others, and is worth a place again", () => {
  const asked = makeRamAsked(1);
  timesWorth(asked, "a", 3);
  for (let i = 0; i < 140_000; i++) asked.isWorth("b");
  expect(timesWorth(asked, "a", 1)).toEqual([1]);
});
