/** Waiting no longer than a deadline. */

import { expect, test } from "bun:test";
import { bounded } from "../../../src/node/bounded.ts";

test("work that ends in time is waited for, and its failure passed on", async () => {
  expect(await bounded(Promise.resolve(), 10_000)).toBe(true);
  expect(bounded(Promise.reject(new Error("no")), 10_000)).rejects.toThrow("no");
});

test("work that does not is left alone", async () => {
  expect(await bounded(new Promise(() => {}), 1)).toBe(false);
});
