/** Where keys and values stand in a file. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse, stringify } from "smol-toml";
import { dottedKey, type Path } from "../../../src/topology/mistakes.ts";
import { indexPositions, type Place } from "../../../src/topology/positions.ts";

const TEXT = `# a comment with a = 1 and [table]
title = "x" # title = 2
a.b . "c d" = 1
inline = { x = 1, y.z = [ 10, 20 ], 'q.r' = { s = "}" } }
list = [
  1, # ]
  "two, ]",
  [3, 4],
  { deep = 5 },
]
text = """
fake = 1
[fake]
\\""" still text"""""
literal = '''
''fake2 = 1'''
[t.u]
k = '\\'
[[t.rows]]
n = 1
[[t.rows]]
n = 2
[t.rows.sub]
m = true
[[t.rows.subs]]
o = 1979-05-27
["quoted \\u0041"]
after = 1
`;

const PLACES: readonly [Path, Place, Place][] = [
  [["title"], { line: 2, column: 1 }, { line: 2, column: 9 }],
  [["a"], { line: 3, column: 1 }, { line: 3, column: 1 }],
  [["a", "b", "c d"], { line: 3, column: 7 }, { line: 3, column: 15 }],
  [["inline", "x"], { line: 4, column: 12 }, { line: 4, column: 16 }],
  [["inline", "y", "z", 1], { line: 4, column: 31 }, { line: 4, column: 31 }],
  [["inline", "q.r", "s"], { line: 4, column: 47 }, { line: 4, column: 51 }],
  [["list"], { line: 5, column: 1 }, { line: 5, column: 8 }],
  [["list", 1], { line: 7, column: 3 }, { line: 7, column: 3 }],
  [["list", 2, 1], { line: 8, column: 7 }, { line: 8, column: 7 }],
  [["list", 3, "deep"], { line: 9, column: 5 }, { line: 9, column: 12 }],
  [["text"], { line: 11, column: 1 }, { line: 11, column: 8 }],
  [["literal"], { line: 15, column: 1 }, { line: 15, column: 11 }],
  [["t"], { line: 17, column: 1 }, { line: 17, column: 1 }],
  [["t", "u", "k"], { line: 18, column: 1 }, { line: 18, column: 5 }],
  [["t", "rows"], { line: 19, column: 1 }, { line: 19, column: 1 }],
  [["t", "rows", 0, "n"], { line: 20, column: 1 }, { line: 20, column: 5 }],
  [["t", "rows", 1], { line: 21, column: 1 }, { line: 21, column: 1 }],
  [["t", "rows", 1, "n"], { line: 22, column: 1 }, { line: 22, column: 5 }],
  [["t", "rows", 1, "sub", "m"], { line: 24, column: 1 }, { line: 24, column: 5 }],
  [["t", "rows", 1, "subs", 0, "o"], { line: 26, column: 1 }, { line: 26, column: 5 }],
  [["quoted A", "after"], { line: 28, column: 1 }, { line: 28, column: 9 }],
];

test("the text of the table below is TOML", () => {
  expect(() => parse(TEXT)).not.toThrow();
});

test.each(PLACES)("%j stands where an editor would show it", (path, key, value) => {
  const positions = indexPositions(TEXT);
  expect(positions.key(path)).toEqual(key);
  expect(positions.value(path)).toEqual(value);
});

test("what is missing has the place of the table that should hold it", () => {
  const positions = indexPositions(TEXT);
  expect(positions.value(["t", "rows", 1, "absent"])).toEqual({ line: 21, column: 1 });
  expect(positions.value(["inline", "absent"])).toEqual({ line: 4, column: 10 });
  expect(positions.value(["absent", 3])).toEqual({ line: 1, column: 1 });
});

test("nothing inside a text or a comment is taken for a key", () => {
  const positions = indexPositions(TEXT);
  for (const name of ["fake", "fake2", "table"]) {
    expect(positions.key([name])).toEqual({ line: 1, column: 1 });
  }
});

test("a table written after one of its parts has the place of its own header", () => {
  const positions = indexPositions("[a.b]\n[a]\nx = 1\n");
  expect(positions.key(["a"])).toEqual({ line: 2, column: 1 });
});

test("line ends may be CRLF and a byte order mark may stand in front", () => {
  const positions = indexPositions("\uFEFFa = 1\r\n[t]\r\nb = 2\r\n");
  expect(positions.key(["t", "b"])).toEqual({ line: 3, column: 1 });
  expect(positions.lines).toBe(4);
});

test("every value of any document is found at its place", () => {
  let next = 1000;
  const marked = fc.constant(null).map(() => next++);
  const name = fc.oneof(
    fc.constantFrom("a", "b-c", "d.e", 'f"g', "h i", "", "[j]", "k=l", "#m", "ü", "n\\o", "p\nq"),
    fc.string({ maxLength: 5 }),
  );
  const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
    table: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      marked,
      tie("table"),
      fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
      fc.array(marked, { minLength: 1, maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(table, (document) => {
      const text = stringify(document);
      const positions = indexPositions(text);
      const lines = text.split("\n");
      for (const [path, value] of leaves(parse(text), [])) {
        const { line, column } = positions.value(path);
        const shown = lines[line - 1]?.slice(column - 1) ?? "";
        expect(`${dottedKey(path)} ${shown.slice(0, 4)}`).toBe(`${dottedKey(path)} ${value}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("any text at all is walked to its end", () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    "[[",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "'''",
    "=",
    ".",
    ",",
    "\n",
    "#",
    "a",
    "\\",
    " ",
  );
  const garbage = fc.array(fc.oneof(piece, fc.string({ maxLength: 3, unit: "binary" })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(garbage, (pieces) => {
      const positions = indexPositions(pieces.join(""));
      expect(positions.lines).toBe(pieces.join("").split("\n").length);
    }),
    { numRuns: 1000 },
  );
});

function leaves(value: unknown, path: Path): [Path, number][] {
  if (typeof value === "number") return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item: unknown, i) => leaves(item, [...path, i]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}
