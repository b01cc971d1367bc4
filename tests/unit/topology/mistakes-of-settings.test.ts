/** Mistakes in the settings tables. */

import { expect, test } from "bun:test";
import { mistakesOf, smallFile } from "./small-file.ts";

const URL_TEXT = "an http:// or https:// address without user, query or fragment";
const STORE = "a host, or http:// or https:// with a host (no path, user or query)";
const BOX = "WIDTHxHEIGHT, both from 1 to 8192 without leading zeros";
const CLASS =
  "a name of at most 16 of a-z 0-9 that begins with a letter; orig, placeholder, auto are taken";
const PREFIX = "one path segment of A-Z a-z 0-9 . _ ~ -";
const ALLOW = 'an origin like "https://photos.example.com", or "*"';

/** Table header (line 24), line in it, the mistake: key, found, expected, nearest. */
const SETTING_CASES: readonly (readonly [string, string, ...string[]])[] = [
  [
    "[routing]",
    'algorithm = "rendevous"',
    "routing.algorithm",
    '"rendevous"',
    '"rendezvous" or "md5-modulo"',
    "rendezvous",
  ],
  ["[routing]", 'algorithm = "md5"', "routing.algorithm", '"md5"', '"rendezvous" or "md5-modulo"'],
  ["[routing]", 'seed = ""', "routing.seed", '""', "a text that is not empty"],
  [
    "[routing]",
    "owner_first_byte_ms = 99",
    "routing.owner_first_byte_ms",
    "99",
    "a whole number from 100 to 30000",
  ],
  [
    "[routing]",
    'peer_mode = "redirects"',
    "routing.peer_mode",
    '"redirects"',
    '"stream" or "redirect" or "redirect-originals"',
    "redirect",
  ],
  [
    "[image]",
    'policy = "snapp"',
    "image.policy",
    '"snapp"',
    '"snap" or "exact" or "classes"',
    "snap",
  ],
  ["[image]", 'exact_sizes = ["0x1"]', "image.exact_sizes[0]", '"0x1"', BOX],
  ["[image]", 'exact_sizes = ["01x1"]', "image.exact_sizes[0]", '"01x1"', BOX],
  ["[image]", 'exact_sizes = ["1x8193"]', "image.exact_sizes[0]", '"1x8193"', BOX],
  ["[image]", 'exact_sizes = ["orig"]', "image.exact_sizes[0]", '"orig"', BOX],
  ["[image]", 'auto_formats = ["jpg"]', "image.auto_formats[0]", '"jpg"', '"avif" or "webp"'],
  ["[image]", "jpg_quality = 0", "image.jpg_quality", "0", "a whole number from 1 to 100"],
  ["[image]", "avif_quality = 101", "image.avif_quality", "101", "a whole number from 1 to 100"],
  ["[image]", "avif_effort = 10", "image.avif_effort", "10", "a whole number from 0 to 9"],
  ["[http]", 'prefix = "a/b"', "http.prefix", '"a/b"', PREFIX],
  ["[http]", 'prefix = ".."', "http.prefix", '".."', PREFIX],
  ["[http]", 'allow_origin = "https://x/"', "http.allow_origin", '"https://x/"', ALLOW],
  ["[http]", 'allow_origin = "*\\r\\nX: y"', "http.allow_origin", '"*\\r\\nX: y"', ALLOW],
  [
    "[limits]",
    "pixels = 100000001",
    "limits.pixels",
    "100000001",
    `a whole number from 1 to 100000000`,
  ],
  [
    "[limits]",
    "animated_pixels = 300000001",
    "limits.animated_pixels",
    "300000001",
    `a whole number from 1 to 300000000`,
  ],
  ["[limits]", "frames = 1001", "limits.frames", "1001", `a whole number from 1 to 1000`],
  ["[limits]", "frames = 0", "limits.frames", "0", `a whole number from 1 to 1000`],
  [
    "[limits]",
    'source_bytes = "513MiB"',
    "limits.source_bytes",
    '"513MiB"',
    `a size from 1 to 512MiB`,
  ],
  ["[limits]", "queue = 257", "limits.queue", "257", `a whole number from 1 to 256`],
  ["[limits]", "job_ms = 60001", "limits.job_ms", "60001", `a whole number from 1 to 60000`],
  ["[limits]", "stand_in_ms = 0", "limits.stand_in_ms", "0", "a whole number from 1 to 30000"],
  ["[cache]", 'eviction = "lfu"', "cache.eviction", '"lfu"', '"s3-fifo" or "lru"', "lru"],
  [
    "[cache]",
    'expire_unused = "90"',
    "cache.expire_unused",
    '"90"',
    'a time above 0 such as "90d" (s, m, h, d, w)',
  ],
  [
    "[cache]",
    'expire_unused = "0d"',
    "cache.expire_unused",
    '"0d"',
    'a time above 0 such as "90d" (s, m, h, d, w)',
  ],
  ["[security]", "insecure = 1", "security.insecure", "1", "true or false"],
  [
    "[services]",
    'content_resolution_api = "api:9999"',
    "services.content_resolution_api",
    '"api:9999"',
    URL_TEXT,
  ],
  [
    "[services]",
    'thumbnail_endpoint = "http://u:p@t/"',
    "services.thumbnail_endpoint",
    '"http://…@t/"',
    URL_TEXT,
  ],
  ["[s3]", 'host = "ftp://store"', "s3.host", '"ftp://store"', STORE],
  ["[s3]", 'host = "https://store/bucket"', "s3.host", '"https://store/bucket"', STORE],
  ["[s3]", 'host = "https://key:secret@store"', "s3.host", '"https://…@store"', STORE],
  ["[s3]", 'host = "two words"', "s3.host", '"two words"', STORE],
];

test.each(SETTING_CASES)("in %s: %s", (header, line, ...told) => {
  const rows = mistakesOf(smallFile({}, header, line));
  expect(rows.map((row) => row[0])).toEqual([25]);
  expect(rows[0]?.slice(2)).toEqual(told);
});

test("TLS files come together or not at all", () => {
  const lines = ['tls_cert = "a"', 'tls_key = "b"', 'tls_ca = "c"'];
  expect(mistakesOf(smallFile({}, "[security]", ...lines))).toEqual([]);
  const all = "all of tls_cert, tls_key, tls_ca, or none";
  expect(mistakesOf(smallFile({}, "[security]", ...lines.slice(0, 2)))).toEqual([
    [24, 1, "security", "no tls_ca", all],
  ]);
  expect(mistakesOf(smallFile({}, "[security]", ...lines.slice(2)))).toEqual([
    [24, 1, "security", "no tls_cert and no tls_key", all],
  ]);
});

test.each(["orig", "auto", "1a", "A", "abcdefghijklmnopq"])("%j is no name of a class", (name) => {
  const text = smallFile({}, "[[sizes]]", `name = "${name}"`, "width = 1", "height = 1");
  expect(mistakesOf(text)).toEqual([[25, 8, "sizes[0].name", `"${name}"`, CLASS]]);
});

test("a class side out of range is told at its own line", () => {
  const text = smallFile({}, "[[sizes]]", 'name = "a"', "width = 8193", "height = 8192");
  expect(mistakesOf(text)).toEqual([
    [26, 9, "sizes[0].width", "8193", "a whole number from 1 to 8192"],
  ]);
});

test("a key that looks like a secret is told where secrets belong, and its value is not shown", () => {
  const text = smallFile({}, "[s3]", 'host = "h"', 'secret_access_key = "hunter2"');
  expect(mistakesOf(text)).toEqual([
    [
      26,
      1,
      "s3.secret_access_key",
      "an unknown key",
      "secrets in the environment or in the file of --secrets, never here",
    ],
  ]);
});
