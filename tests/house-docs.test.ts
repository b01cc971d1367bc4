/** Pages that repeat what the code says. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PAGE, withTables } from "../scripts/docs.ts";
import { ROOT } from "../scripts/setup.ts";

test("docs/operations.md has every deadline, limit and counter as in the code: else `bun run docs`", async () => {
  const page = await Bun.file(PAGE).text();
  expect(page === withTables(page)).toBe(true);
});

test("each decision has a number of its own, the same in its name and its title", () => {
  const folder = join(ROOT, "docs/decisions");
  const numbers = readdirSync(folder).map((name) => {
    const number = Number(name.slice(0, 4));
    const title = readFileSync(join(folder, name), "utf8").split("\n", 1)[0];
    expect(`${name}: ${title}`).toStartWith(`${name}: # ${number}. `);
    return number;
  });
  expect(new Set(numbers).size).toBe(numbers.length);
});
