/** Values that do not go together. */

import { expect, test } from "bun:test";
import { mistakesOf, type Row, read, smallFile } from "./small-file.ts";

const A = "levels[0].servers[0]";
const B = "levels[0].servers[1]";
const O = "levels[1].servers[0]";
const ORIGIN_ONLY = "only name, is_s3_origin, origin_dir: an origin is not a process";
const NESTED = "classes from small to large, each holding the one before it";

/** What is wrong, the lines that are replaced to make it so, the one mistake that is told. */
const CASES: readonly [string, Readonly<Record<number, string>>, Row][] = [
  [
    "a name twice",
    { 15: 'name = "a"' },
    [15, 8, `${B}.name`, '"a" a second time', "a name of its own (line 5 has this one)"],
  ],
  [
    "an origin with the name of a server",
    { 22: 'name = "a"' },
    [22, 8, `${O}.name`, '"a" a second time', "a name of its own (line 5 has this one)"],
  ],
  [
    "the port of another server on the host",
    { 19: "port = 7001" },
    [
      19,
      8,
      `${B}.private[0].port`,
      "127.0.0.1:7001 a second time on one host",
      "an address of its own (line 13 has 127.0.0.1:7001)",
    ],
  ],
  [
    "a public port taken by a private one",
    { 10: "port = 7001" },
    [
      13,
      8,
      `${A}.private[0].port`,
      "127.0.0.1:7001 a second time on one host",
      "an address of its own (line 10 has 127.0.0.1:7001)",
    ],
  ],
  [
    "a port taken by a listener on any address",
    { 19: 'port = 8080\nbind = "0.0.0.0"' },
    [
      19,
      8,
      `${B}.private[0].port`,
      "0.0.0.0:8080 a second time on one host",
      "an address of its own (line 10 has 127.0.0.1:8080)",
    ],
  ],
  [
    "the cache_dir of another server on the host",
    { 16: 'cache_dir = "./a/"' },
    [
      16,
      13,
      `${B}.cache_dir`,
      '"./a/" a second time on one host',
      'a directory of its own (line 6 has "a")',
    ],
  ],
  [
    "a cache_dir within that of another server on the host",
    { 16: 'cache_dir = "a/b"' },
    [16, 13, `${B}.cache_dir`, '"a/b" inside of "a"', "cache directories apart from each other"],
  ],
  [
    "an origin_dir within a cache_dir",
    { 23: 'origin_dir = "/base/a/o"' },
    [
      23,
      14,
      `${O}.origin_dir`,
      '"/base/a/o"',
      'a directory apart from every cache_dir (line 6 has "a")',
    ],
  ],
  [
    "an origin_dir around a cache_dir",
    { 23: 'origin_dir = "/base"' },
    [
      23,
      14,
      `${O}.origin_dir`,
      '"/base"',
      'a directory apart from every cache_dir (line 6 has "a")',
    ],
  ],
  [
    "a cache directory within another",
    { 6: 'cache_dir = "a"\ncache_dirs = ["a", "a/b"]' },
    [7, 20, `${A}.cache_dirs[1]`, '"a/b" inside of "a"', "cache directories apart from each other"],
  ],
  [
    "a cache directory twice",
    { 6: 'cache_dir = "a"\ncache_dirs = ["c", "./c"]' },
    [
      7,
      20,
      `${A}.cache_dirs[1]`,
      '"./c" a second time on one host',
      'a directory of its own (line 7 has "c")',
    ],
  ],
  [
    "no directory for pictures",
    { 6: 'cache_dir = "a"\ncache_dirs = []' },
    [7, 14, `${A}.cache_dirs`, "0 directories", "1 to 32"],
  ],
  [
    "a store without [s3]",
    { 23: "is_s3_origin = true" },
    [23, 16, `${O}.is_s3_origin`, "no [s3] host", "[s3] with host"],
  ],
  [
    "both kinds of origin",
    { 23: 'is_s3_origin = true\norigin_dir = "o"\n[s3]\nhost = "h"' },
    [24, 1, `${O}.origin_dir`, "both is_s3_origin and origin_dir", "one of them"],
  ],
  [
    "an origin with a cache_dir",
    { 23: 'origin_dir = "o"\ncache_dir = "c"' },
    [24, 1, `${O}.cache_dir`, "cache_dir at an origin", ORIGIN_ONLY],
  ],
  [
    "an origin with a public listener",
    { 23: 'origin_dir = "o"\npublic = []' },
    [24, 1, `${O}.public`, "public at an origin", ORIGIN_ONLY],
  ],
  [
    "an origin with a private listener",
    { 23: 'origin_dir = "o"\n[[levels.servers.private]]\nhost = "h"\nport = 1' },
    [24, 1, `${O}.private`, "private at an origin", ORIGIN_ONLY],
  ],
  [
    "a unix path that is too long",
    { 8: 'type = "unix"', 9: `path = "/${"x".repeat(98)}.sock"`, 10: "" },
    [
      9,
      8,
      `${A}.public[0].path`,
      "a path of 108 bytes with the worker's number",
      "at most 107 bytes, which is what a unix socket can have",
    ],
  ],
];

test.each(CASES)("%s", (_, edits, row) => {
  expect(mistakesOf(smallFile(edits))).toEqual([row]);
});

test("the whole path of a cache directory may have 1024 bytes", () => {
  const withDir = (chars: number) =>
    smallFile({ 6: `cache_dir = "a"\ncache_dirs = ["/${"x".repeat(chars - 1)}"]` });
  expect(read(withDir(1024)).kind).toBe("ok");
  expect(mistakesOf(withDir(1025))).toEqual([
    [7, 15, `${A}.cache_dirs[0]`, "a path of 1025 bytes", "at most 1024 bytes"],
  ]);
});

test("the worker's number counts: a socket path of 107 bytes is the longest", () => {
  const withPath = (chars: number) =>
    smallFile({ 8: 'type = "unix"', 9: `path = "/${"x".repeat(chars)}.sock"`, 10: "workers = 10" });
  expect(read(withPath(99)).kind).toBe("ok");
  expect(mistakesOf(withPath(100))).toHaveLength(1);
});

test("a listener on any address clashes with one before it on the same port", () => {
  const text = smallFile({ 9: 'host = "0.0.0.0"', 10: "port = 7001" });
  expect(mistakesOf(text).map(([line, , , found]) => [line, found])).toEqual([
    [13, "127.0.0.1:7001 a second time on one host"],
  ]);
});

test("the same address twice in one server is a mistake without any private listener too", () => {
  const listener =
    'public = [{ type = "net", host = "h", port = 1 }, { type = "net", host = "H", port = 1 }]';
  const text = `[meta]\nname = "m"\n[[levels]]\n[[levels.servers]]\nname = "a"\ncache_dir = "a"\n${listener}`;
  expect(mistakesOf(text).map(([line, , key]) => [line, key])).toEqual([
    [7, `${A}.public[1].port`],
  ]);
});

test("two peers cannot be dialled at one address, wherever they bind", () => {
  const text = smallFile({
    13: 'port = 7001\nbind = "127.0.0.2"',
    19: 'port = 7001\nbind = "127.0.0.3"',
  });
  expect(mistakesOf(text).map(([line, , key]) => [line, key])).toEqual([
    [20, `${B}.private[0].port`],
  ]);
});

test("two servers on one machine cannot open one unix socket", () => {
  const socket = '[[levels.servers.public]]\ntype = "unix"\npath = "x.sock"';
  const text = smallFile({ 13: `port = 7001\n${socket}`, 19: `port = 7002\n${socket}` });
  expect(mistakesOf(text).map(([line, , key]) => [line, key])).toEqual([
    [25, `${B}.public[0].path`],
  ]);
});

test("port 0 and the same port on different machines are no clash", () => {
  const sameHost = '[[levels.servers.public]]\ntype = "net"\nhost = "127.0.0.1"';
  expect(read(smallFile({ 10: "port = 0", 19: `port = 7002\n${sameHost}\nport = 0` })).kind).toBe(
    "ok",
  );
  const elsewhere = {
    12: 'host = "10.0.0.1"',
    18: 'host = "10.0.0.2"',
    19: `port = 7001\n${sameHost}\nport = 8080`,
  };
  expect(read(smallFile({ ...elsewhere, 16: 'cache_dir = "a"' })).kind).toBe("ok");
});

test("an origin above the last level is a mistake", () => {
  const text = smallFile({}, "[[levels]]", "[[levels.servers]]", 'name = "c"', 'cache_dir = "c"');
  expect(mistakesOf(text)).toEqual([
    [21, 1, O, "an origin on level 1", "origins only on the last level, 2"],
  ]);
});

test("a level needs a server, and the mesh one that is no origin", () => {
  expect(mistakesOf('levels = []\n[meta]\nname = "m"')).toEqual([
    [1, 10, "levels", "no level", "at least one level with a server"],
  ]);
  expect(mistakesOf(`${smallFile()}\n[[levels]]\nservers = []`)[1]).toEqual([
    25,
    11,
    "levels[2].servers",
    "no server",
    "at least one server",
  ]);
  expect(mistakesOf(`${smallFile()}\n[[levels]]`)[1]).toEqual([
    24,
    1,
    "levels[2].servers",
    "nothing",
    "a list of tables",
  ]);
  const onlyOrigin =
    '[meta]\nname = "m"\n[[levels]]\n[[levels.servers]]\nname = "o"\norigin_dir = "o"';
  expect(mistakesOf(onlyOrigin).map(([line, , key, found]) => [line, key, found])).toEqual([
    [3, "levels", "only origins"],
  ]);
});

const size = (name: string, width: number, height: number) =>
  `[[sizes]]\nname = "${name}"\nwidth = ${width}\nheight = ${height}`;

test.each([
  ["smaller in one side", size("b", 90, 200), "90x200 after 100x100"],
  ["the same box", size("b", 100, 100), "100x100 after 100x100"],
])("size classes must be nested: %s", (_, second, found) => {
  expect(mistakesOf(smallFile({}, size("a", 100, 100), second))).toEqual([
    [28, 1, "sizes[1]", found, NESTED],
  ]);
});

test("size classes may grow in one side only", () => {
  expect(read(smallFile({}, size("a", 100, 100), size("b", 100, 101))).kind).toBe("ok");
});

test("names of classes, exact boxes and formats stand once", () => {
  expect(mistakesOf(smallFile({}, size("a", 1, 1), size("a", 2, 2)))).toEqual([
    [29, 8, "sizes[1].name", '"a" a second time', "each once (line 25 has it)"],
  ]);
  const image = '[image]\nexact_sizes = ["1x1", "1x1"]\nauto_formats = ["webp",\n"webp"]';
  expect(mistakesOf(smallFile({}, image))).toEqual([
    [25, 23, "image.exact_sizes[1]", '"1x1" a second time', "each once (line 25 has it)"],
    [27, 1, "image.auto_formats[1]", '"webp" a second time', "each once (line 26 has it)"],
  ]);
});

test("an empty list of classes is a mistake", () => {
  expect(mistakesOf(`sizes = []\n${smallFile()}`)).toEqual([
    [1, 9, "sizes", "no size class", "at least one, or no [[sizes]] at all"],
  ]);
});

test("path style needs a bucket", () => {
  expect(mistakesOf(smallFile({}, '[s3]\nhost = "h"\npath_style = true'))).toEqual([
    [
      26,
      14,
      "s3.path_style",
      "path_style = true without bucket",
      "bucket: without it the host names the bucket",
    ],
  ]);
});
