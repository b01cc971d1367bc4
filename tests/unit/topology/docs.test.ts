/** The reference page and the schema list the same keys. */

import { expect, test } from "bun:test";
import { TOPOLOGY_PAGE, withKeys } from "../../../scripts/docs-topology.ts";
import { KEY_NOTES } from "../../../src/topology/key-notes.ts";
import { schemaKeys } from "../../../src/topology/shape.ts";
import { read } from "./small-file.ts";

const PAGE = await Bun.file(TOPOLOGY_PAGE).text();

test("docs/topology.md has every key as the schema has it: else `bun run docs`", () => {
  expect(PAGE === withKeys(PAGE)).toBe(true);
});

test("each key of the schema has a note, and a row of its own on the page", () => {
  const keys = [...schemaKeys()].sort();
  expect(Object.keys(KEY_NOTES).sort()).toEqual(keys);
  const rows = [...PAGE.matchAll(/^\| `([a-z0-9_.]+)` \|/gm)].map(([, key = ""]) => key);
  expect(rows.sort()).toEqual(keys);
});

test("the shape shown on the page is a good file", () => {
  const text = /```toml\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
  expect(read(text)).toMatchObject({ kind: "ok", warnings: [] });
});
