/** Any text is read without a throw, and every mistake lies within it. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { explainTopology, formatMistakes } from "../../../src/topology/explain.ts";
import { readTopology } from "../../../src/topology/read.ts";
import { schemaKeys } from "../../../src/topology/shape.ts";
import { smallFile } from "./small-file.ts";

const EXAMPLE = await Bun.file(
  `${import.meta.dir}/../../../topology/production.example.toml`,
).text();

/** Reads without throwing, and tells only what can be shown. */
function expectAnswer(text: string): "ok" | "mistakes" {
  const result = readTopology(text, { file: "f", baseDir: "/base" });
  const lines = text.split("\n");
  const told = result.kind === "ok" ? result.warnings : result.mistakes;
  if (result.kind === "mistakes") expect(told.length).toBeGreaterThan(0);
  for (const { line, column } of told) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
  }
  const shown =
    result.kind === "ok"
      ? explainTopology(result.topology, result.warnings)
      : formatMistakes(result.mistakes);
  expect(shown).not.toMatch(/undefined|\[object|NaN/);
  return result.kind;
}

const at = fc.nat({ max: 1_000_000 });
const char = fc.oneof(
  fc.constantFrom(
    "[",
    "]",
    '"',
    "'",
    "=",
    ".",
    "#",
    "\n",
    "0",
    "-",
    "{",
    "}",
    ",",
    "\\",
    "\r",
    " ",
  ),
  fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
);
const mutation = fc.oneof(
  fc.record({ kind: fc.constantFrom("drop line", "double line", "drop char", "double char"), at }),
  fc.record({ kind: fc.constant("replace char"), at, text: char }),
  fc.record({ kind: fc.constant("swap lines"), at, other: at }),
  fc.record({ kind: fc.constant("replace value"), at, text: fc.json() }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(text: string, change: Mutation): string {
  const lines = text.split("\n");
  const line = change.at % lines.length;
  const offset = change.at % Math.max(1, text.length);
  const here = lines[line] ?? "";
  const behind = text.slice(offset + 1);
  switch (change.kind) {
    case "drop line":
      return lines.toSpliced(line, 1).join("\n");
    case "double line":
      return lines.toSpliced(line, 0, here).join("\n");
    case "drop char":
      return text.slice(0, offset) + behind;
    case "double char":
      return text.slice(0, offset + 1) + text.slice(offset);
    case "replace char":
      return `${text.slice(0, offset)}${"text" in change ? change.text : ""}${behind}`;
    case "replace value":
      return lines
        .with(line, `${here.split("=")[0]}= ${"text" in change ? change.text : ""}`)
        .join("\n");
    default: {
      const other = ("other" in change ? change.other : 0) % lines.length;
      return lines
        .with(line, lines[other] ?? "")
        .with(other, here)
        .join("\n");
    }
  }
}

test("a thousand broken copies of an example are read or have their mistakes told", () => {
  const seen = { ok: 0, mistakes: 0 };
  const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(changes, (list) => {
      seen[expectAnswer(list.reduce(mutate, EXAMPLE))]++;
    }),
    { numRuns: 1000 },
  );
  expect(seen.ok).toBeGreaterThan(10);
  expect(seen.mistakes).toBeGreaterThan(100);
});

test("any text is answered", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      expectAnswer(text);
    }),
    { numRuns: 500 },
  );
});

test("any tables with names of ours and values of any kind are answered", () => {
  const name = fc.oneof(
    fc.constantFrom(...schemaKeys().flatMap((key) => key.split("."))),
    fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "length", ""),
  );
  const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
    table: fc.dictionary(name, tie("value"), { maxKeys: 6 }),
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.string()),
      fc.constantFrom("net", "unix", "cpus", "127.0.0.1", "1GiB", new Date(0)),
      tie("table"),
      fc.array(tie("table"), { maxLength: 3 }),
      fc.array(tie("value"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(table, (document) => {
      expectAnswer(stringify(document));
    }),
    { numRuns: 500 },
  );
});

test("names that objects inherit are unknown keys like any other", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    expect(expectAnswer(smallFile({}, `[${key}]`))).toBe("mistakes");
    expect(expectAnswer(smallFile({ 2: `name = "m"\n${key} = 1` }))).toBe("mistakes");
    expect(expectAnswer(smallFile({ 8: `type = "${key}"` }))).toBe("mistakes");
  }
});
