/** The reference page and the schema list the same keys. */

import { expect, test } from "bun:test";
import { NOT_YET } from "../../../src/topology/not-yet.ts";
import { schemaKeys } from "../../../src/topology/shape.ts";
import { read } from "./small-file.ts";

const PAGE = await Bun.file(`${import.meta.dir}/../../../docs/topology.md`).text();

/** Rows that begin with a key, by that key. */
const rows = new Map(
  [...PAGE.matchAll(/^\| `([a-z0-9_.]+)` \|(.*)\|$/gm)].map(([, key = "", rest = ""]) => [
    key,
    rest,
  ]),
);

test("the reference page has a row for every key of the schema, and no other", () => {
  expect([...rows.keys()].sort()).toEqual([...schemaKeys()].sort());
});

test("every key without effect says so on the page, and no other does", () => {
  for (const [key, rest] of rows) {
    const without = [...NOT_YET.keys()].some((none) => key === none || key.startsWith(`${none}.`));
    expect(`${key} ${/no effect yet/i.test(rest)}`).toBe(`${key} ${without}`);
  }
});

test("the shape shown on the page is a good file", () => {
  const text = /```toml\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
  expect(read(text)).toMatchObject({ kind: "ok", warnings: [] });
});
