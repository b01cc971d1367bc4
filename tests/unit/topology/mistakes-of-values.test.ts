/** Mistakes of single values. */

import { expect, test } from "bun:test";
import { mistakesOf, type Row, read, smallFile } from "./small-file.ts";

const A = "levels[0].servers[0]";
const NAME = "a name of at most 128 of A-Z a-z 0-9 . _ - that begins with a letter or digit";
const HOST = "a host name or an IP address (no brackets, no port)";
const SIZE_TEXT =
  'a size above 0 such as "500GiB" (B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB)';
const UNKNOWN = "an unknown key";

test("the file that the tests below break is good, without a warning", () => {
  expect(read(smallFile())).toMatchObject({ kind: "ok", warnings: [] });
});

/** What is wrong, the lines that are replaced to make it so, the one mistake that is told. */
const SERVER_CASES: readonly [string, Readonly<Record<number, string>>, Row][] = [
  ["a missing name", { 5: "" }, [4, 1, `${A}.name`, "nothing", NAME]],
  ["a name of the wrong type", { 5: "name = 5" }, [5, 8, `${A}.name`, "5", NAME]],
  ["a name with a space", { 5: 'name = "a b"' }, [5, 8, `${A}.name`, '"a b"', NAME]],
  [
    "a missing port",
    { 13: "" },
    [11, 1, `${A}.private[0].port`, "nothing", "a whole number from 1 to 65535"],
  ],
  [
    "a port as a text",
    { 13: 'port = "7001"' },
    [13, 8, `${A}.private[0].port`, '"7001"', "a whole number from 1 to 65535"],
  ],
  [
    "a private port 0",
    { 13: "port = 0" },
    [13, 8, `${A}.private[0].port`, "0", "a whole number from 1 to 65535"],
  ],
  [
    "a port with a fraction",
    { 13: "port = 1.5" },
    [13, 8, `${A}.private[0].port`, "1.5", "a whole number from 1 to 65535"],
  ],
  [
    "a public port too high",
    { 10: "port = 65536" },
    [10, 8, `${A}.public[0].port`, "65536", "a whole number from 0 to 65535"],
  ],
  ["a host with a port", { 9: 'host = "h:80"' }, [9, 8, `${A}.public[0].host`, '"h:80"', HOST]],
  [
    "an IPv6 address in brackets",
    { 9: 'host = "[::1]"' },
    [9, 8, `${A}.public[0].host`, '"[::1]"', HOST],
  ],
  [
    "an address out of range",
    { 9: 'host = "127.0.0.256"' },
    [9, 8, `${A}.public[0].host`, '"127.0.0.256"', HOST],
  ],
  [
    "an unknown listener type",
    { 8: 'type = "nett"' },
    [8, 8, `${A}.public[0].type`, '"nett"', '"net" or "unix"', "net"],
  ],
  [
    "a listener type that is a table",
    { 8: "type = {}" },
    [8, 8, `${A}.public[0].type`, "a table", '"net" or "unix"'],
  ],
  [
    "a missing listener type",
    { 8: "" },
    [7, 1, `${A}.public[0].type`, "nothing", '"net" or "unix"'],
  ],
  [
    "a key of the other listener type",
    { 8: 'type = "net"\npath = "x"' },
    [9, 1, `${A}.public[0].path`, UNKNOWN, "a known key", "levels.servers.public.path"],
  ],
  [
    "a misspelt key",
    { 6: 'cache_dir = "a"\nweihgt = 2' },
    [7, 1, `${A}.weihgt`, UNKNOWN, "a known key", "weight"],
  ],
  [
    "a key in the wrong table",
    { 2: 'name = "m"\ninsecure = true' },
    [3, 1, "meta.insecure", UNKNOWN, "a known key", "security.insecure"],
  ],
  [
    "a key like nothing",
    { 2: 'name = "m"\nzzzzzz = 1' },
    [3, 1, "meta.zzzzzz", UNKNOWN, "one of name, description, version"],
  ],
  [
    "a quoted key like nothing",
    { 2: 'name = "m"\n"a.b c" = 1' },
    [3, 1, 'meta."a.b c"', UNKNOWN, "one of name, description, version"],
  ],
  [
    "a key that objects inherit",
    { 2: 'name = "m"\nconstructor = 1' },
    [3, 1, "meta.constructor", UNKNOWN, "one of name, description, version"],
  ],
  [
    "a weight of 0",
    { 6: 'cache_dir = "a"\nweight = 0' },
    [7, 10, `${A}.weight`, "0", "a number above 0"],
  ],
  [
    "a weight below 0",
    { 6: 'cache_dir = "a"\nweight = -1' },
    [7, 10, `${A}.weight`, "-1", "a number above 0"],
  ],
  [
    "an endless weight",
    { 6: 'cache_dir = "a"\nweight = inf' },
    [7, 10, `${A}.weight`, "Infinity", "a number above 0"],
  ],
  [
    "a flag as a text",
    { 6: 'cache_dir = "a"\ndraining = "yes"' },
    [7, 12, `${A}.draining`, '"yes"', "true or false"],
  ],
  [
    "no capacity",
    { 6: 'cache_dir = "a"\ncapacity = "0GiB"' },
    [7, 12, `${A}.capacity`, '"0GiB"', SIZE_TEXT],
  ],
  [
    "a capacity in unknown units",
    { 6: 'cache_dir = "a"\ncapacity = "5 sacks"' },
    [7, 12, `${A}.capacity`, '"5 sacks"', SIZE_TEXT],
  ],
  [
    "too many workers",
    { 6: 'cache_dir = "a"\nworkers = 257' },
    [7, 11, `${A}.workers`, "257", '"cpus" or a whole number from 1 to 256'],
  ],
  [
    "workers as another text",
    { 6: 'cache_dir = "a"\nworkers = "cpu"' },
    [7, 11, `${A}.workers`, '"cpu"', '"cpus" or a whole number from 1 to 256'],
  ],
  ["an empty cache_dir", { 6: 'cache_dir = ""' }, [6, 13, `${A}.cache_dir`, '""', "a path"]],
  [
    "a NUL in a path",
    { 6: 'cache_dir = "a\\u0000"' },
    [6, 13, `${A}.cache_dir`, '"a\\u0000"', "a path"],
  ],
  [
    "no cache_dir",
    { 6: "" },
    [
      4,
      1,
      `${A}.cache_dir`,
      "nothing",
      "cache_dir, or is_s3_origin or origin_dir where the server is an origin",
    ],
  ],
  [
    "a table that is a number",
    { 6: 'cache_dir = "a"\nadmin = 5' },
    [7, 9, `${A}.admin`, "5", "a table"],
  ],
  [
    "a table that is a list",
    { 6: 'cache_dir = "a"\nadmin = []' },
    [7, 9, `${A}.admin`, "an empty list", "a table"],
  ],
  [
    "a table that is a date",
    { 6: 'cache_dir = "a"\nadmin = 2020-01-01' },
    [7, 9, `${A}.admin`, "a date", "a table"],
  ],
  [
    "a list that is a table",
    { 6: 'cache_dir = "a"\ncache_dirs = { a = 1 }' },
    [7, 14, `${A}.cache_dirs`, "a table", "a list of values"],
  ],
  [
    "a wrong entry of a list",
    { 6: 'cache_dir = "a"\ncache_dirs = ["x", 5]' },
    [7, 20, `${A}.cache_dirs[1]`, "5", "a path"],
  ],
  [
    "an inline table without a key",
    { 6: 'cache_dir = "a"\nadmin = { host = "h" }' },
    [7, 9, `${A}.admin.port`, "nothing", "a whole number from 0 to 65535"],
  ],
];

test.each(SERVER_CASES)("in a server: %s", (_, edits, row) => {
  expect(mistakesOf(smallFile(edits))).toEqual([row]);
});

test("all mistakes are told at once, in the order of the file", () => {
  const text = smallFile(
    { 2: "nmae = 1", 10: "port = -1", 15: 'name = "a"', 19: "port = 7001" },
    "[imag]",
  );
  expect(mistakesOf(text).map(([line, , key]) => [line, key])).toEqual([
    [1, "meta.name"],
    [2, "meta.nmae"],
    [10, "levels[0].servers[0].public[0].port"],
    [15, "levels[0].servers[1].name"],
    [19, "levels[0].servers[1].private[0].port"],
    [24, "imag"],
  ]);
});

test("an empty file lacks [meta] and [[levels]]", () => {
  expect(mistakesOf("")).toEqual([
    [1, 1, "meta", "nothing", "a table"],
    [1, 1, "levels", "nothing", "a list of tables"],
  ]);
});

test.each([
  ["a value that is missing", "a = 1\nb = \n[c]", 2, 5],
  ["a text that is not closed", 'a = 1\n\nb = "x', 3, 5],
  ["a key twice", "a = 1\na = 2", 2, 1],
  ["a table twice", "[a]\n[b]\n[a]", 3, 2],
  ["nesting without end", `a = ${"[".repeat(5000)}`, 1, 37],
])("a syntax mistake is told with its place: %s", (_, text, line, column) => {
  const [row, ...more] = mistakesOf(text);
  expect(more).toEqual([]);
  expect([row?.[0], row?.[2], row?.[4]]).toEqual([line, "", "valid TOML (https://toml.io)"]);
  expect(row?.[1]).toBe(column);
});

test("a quote that is not closed is what the parser's words for it are explained by", () => {
  const [row] = mistakesOf(smallFile({ 5: 'name = "a' }));
  expect(row?.[0]).toBe(5);
  expect(row?.[3]).toContain("is a closing quote missing?");
});

test("what stands beside a misspelt type is told with it", () => {
  expect(mistakesOf(smallFile({ 8: 'typ = "net"', 10: 'port = "9180"' }))).toEqual([
    [8, 1, `${A}.public[0].typ`, UNKNOWN, "a known key", "type"],
    [10, 8, `${A}.public[0].port`, '"9180"', "a whole number from 0 to 65535"],
  ]);
});
