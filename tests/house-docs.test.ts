/** Pages that repeat what the code says. */

import { expect, test } from "bun:test";
import { PAGE, withTables } from "../scripts/docs.ts";

test("docs/operations.md has every deadline, limit and counter as in the code: else `bun run docs`", async () => {
  const page = await Bun.file(PAGE).text();
  expect(page === withTables(page)).toBe(true);
});
