/** Pages that repeat what the code says, or lead to each other. */

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PAGE, withTables } from "../scripts/docs.ts";
import { ROOT } from "../scripts/setup.ts";
import { PAGES } from "./support/doc-pages.ts";

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

test("links of the pages lead to files and headings that are there", () => {
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", heading] = target.split("#");
      const file = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      expect([page, target, existsSync(file)]).toEqual([page, target, true]);
      if (heading === undefined) continue;
      const there = anchorsOf(readFileSync(file, "utf8")).has(heading);
      expect([page, target, there]).toEqual([page, target, true]);
    }
  }
});

/** As a reader of Markdown on the web makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
  const slug = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-");
  return new Set(headings.map(slug));
}
