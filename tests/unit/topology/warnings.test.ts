/** What is not wrong but should be known. */

import { expect, test } from "bun:test";
import { readTopology } from "../../../src/topology/read.ts";
import { read, smallFile } from "./small-file.ts";

function warningsOf(text: string): readonly (readonly [number, string, string])[] {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(JSON.stringify(result.mistakes));
  return result.warnings.map((w) => [w.line, w.key, w.message] as const);
}

const A = "levels[0].servers[0]";
const B = "levels[0].servers[1]";

test("keys with an effect need no warning", () => {
  const text = smallFile(
    { 6: 'cache_dir = "a"\nlegacy = false', 10: "port = 8080\nupload = false" },
    '[routing]\npeer_mode = "stream"',
    '[cache]\neviction = "s3-fifo"',
  );
  expect(warningsOf(text)).toEqual([]);
});

test("clients sent to owners that have no address for them", () => {
  const mode = '[routing]\npeer_mode = "redirect"';
  expect(warningsOf(smallFile({}, mode))).toEqual([
    [25, "routing.peer_mode", "has no effect: no server of level 0 has a redirect_target"],
  ]);
  const target = 'cache_dir = "a"\nredirect_target = { host = "h", port = 1 }';
  expect(warningsOf(smallFile({ 6: target }, mode))).toEqual([]);
});

test("a mesh without an origin, or without a public listener at the edge", () => {
  const text = { 7: "", 8: "", 9: "", 10: "", 20: "", 21: "", 22: "", 23: "" };
  expect(warningsOf(smallFile(text))).toEqual([
    [3, "levels", "no origin: pictures that are not cached are 404 and uploads 503"],
    [3, "levels[0]", "no server of level 0 has a public listener: no client can ask"],
  ]);
});

test("a level where only some servers have a region", () => {
  expect(warningsOf(smallFile({ 6: 'cache_dir = "a"\nregion = "eu"' }))).toEqual([
    [3, "levels[0]", "only some servers have a region (not b): the level is one group"],
  ]);
  const both = { 6: 'cache_dir = "a"\nregion = "eu"', 16: 'cache_dir = "b"\nregion = "us"' };
  expect(warningsOf(smallFile(both))).toEqual([]);
});

test("a level whose servers are all draining", () => {
  const all = { 6: 'cache_dir = "a"\ndraining = true', 16: 'cache_dir = "b"\ndraining = true' };
  expect(warningsOf(smallFile(all))).toEqual([
    [3, "levels[0]", "every server is draining: the ranking is as if none were"],
  ]);
});

test("a server without a private listener, where the mesh needs one", () => {
  const none = { 17: "", 18: "", 19: "" };
  expect(warningsOf(smallFile(none))).toEqual([
    [14, B, "no private listener: it takes no part in the mesh, though it is ranked as a peer"],
  ]);
  const beside = smallFile({}, "[[levels.servers]]", 'name = "c"', 'cache_dir = "c"');
  expect(warningsOf(beside)).toEqual([
    [
      20,
      "levels[1]",
      "origins beside servers: only the level above asks them; give them a level of their own",
    ],
    [24, "levels[1].servers[1]", "no private listener: the level above cannot reach it"],
  ]);
});

test.each([
  ["127.0.0.1", false],
  ["127.8.9.10", false],
  ["::1", false],
  ["localhost", false],
  ["0.0.0.0", true],
  ["::", true],
  ["10.0.0.1", true],
  ["127.example.com", true],
])("a private listener bound to %s without authentication: warned %j", (bind, warned) => {
  const text = smallFile({ 19: `port = 7002\nbind = "${bind}"` });
  expect(warningsOf(text).map(([line, key]) => [line, key])).toEqual(
    warned ? [[20, `${B}.private[0].bind`]] : [],
  );
  expect(warningsOf(`${text}\n[security]\ninsecure = true`)).toEqual([]);
});

test("an admin listener that others reach", () => {
  const admin = (host: string) =>
    warningsOf(smallFile({ 6: `cache_dir = "a"\nadmin = { host = "${host}", port = 9090 }` }));
  expect(admin("127.0.0.1")).toEqual([]);
  expect(admin("0.0.0.0")).toEqual([
    [
      7,
      `${A}.admin.host`,
      "0.0.0.0 is not loopback: mir serve refuses to start without MIR_ADMIN_TOKEN",
    ],
  ]);
});

test("a unix listener whose folder is not on this machine, for whoever can look", () => {
  const text = smallFile({
    ...{ 8: 'type = "unix"', 9: 'path = "run/a.sock"', 10: "workers = 1" },
  });
  const isFolder = (path: string): boolean => path !== "/base/run";
  const result = readTopology(text, { file: "mesh.toml", baseDir: "/base", isFolder });
  const found = result.kind === "ok" ? result.warnings : [];
  expect(found.map(({ message }) => message)).toEqual([
    "/base/run is no folder on this machine: mir serve refuses to start without it",
  ]);
});

test("without bind the host is what is warned of", () => {
  const [warning] = warningsOf(smallFile({ 18: 'host = "b.internal"' }));
  expect(warning?.[1]).toBe(`${B}.private[0].host`);
  expect(warning?.[2]).toContain("mir serve refuses to start without MIR_CONTROL_KEY");
});

test("weights under md5-modulo", () => {
  const weighted = { 6: 'cache_dir = "a"\nweight = 2', 16: 'cache_dir = "b"\nweight = 1' };
  expect(warningsOf(smallFile(weighted, '[routing]\nalgorithm = "md5-modulo"'))).toEqual([
    [7, `${A}.weight`, 'has no effect with algorithm = "md5-modulo"'],
  ]);
});

test("exact boxes without their policy, and the policy without boxes", () => {
  expect(warningsOf(smallFile({}, '[image]\nexact_sizes = ["1x1"]'))).toEqual([
    [25, "image.exact_sizes", 'only used with policy = "exact"'],
  ]);
  expect(warningsOf(smallFile({}, '[image]\npolicy = "exact"'))).toEqual([
    [25, "image.policy", "no exact_sizes: every WxH in a URL is refused"],
  ]);
});

test("a store that is not used, and one whose address names no bucket", () => {
  expect(warningsOf(smallFile({}, '[s3]\nhost = "b.s3.example.com"'))).toEqual([
    [24, "s3", "has no effect: no server has is_s3_origin = true"],
  ]);
  const text = smallFile({ 23: "is_s3_origin = true" }, '[s3]\nhost = "http://127.0.0.1:9000"');
  expect(warningsOf(text)).toEqual([
    [25, "s3.host", "127.0.0.1 names no bucket: set bucket, unless the store has only one"],
  ]);
});

test("a cache_dir in which curl cannot dial the admin socket", () => {
  expect(warningsOf(smallFile({ 6: `cache_dir = "/${"x".repeat(90)}"` }))).toEqual([]);
  expect(warningsOf(smallFile({ 6: `cache_dir = "/${"x".repeat(91)}"` }))).toEqual([
    [
      6,
      `${A}.cache_dir`,
      "the path of the admin socket has 108 bytes, more than the 107 that curl and most other programs can dial",
    ],
  ]);
});

test("a folder of originals that is not on this machine, for whoever can look", () => {
  const asked: string[] = [];
  const isFolder = (path: string): boolean => {
    asked.push(path);
    return false;
  };
  const result = readTopology(smallFile(), { file: "mesh.toml", baseDir: "/base", isFolder });
  const found = result.kind === "ok" ? result.warnings : [];
  expect(found.map((w) => [w.line, w.key])).toEqual([[23, "levels[1].servers[0].origin_dir"]]);
  expect(found[0]?.message).toContain("/base/o is no folder on this machine");
  expect(asked).toEqual(["/base/o"]);
  expect(warningsOf(smallFile())).toEqual([]);
});

test("certificates and keys that are not on this machine, for whoever can look", () => {
  const text = smallFile({}, "[tls]", 'cert = "c.pem"', 'key = "/k.pem"');
  const isFile = (path: string): boolean => path === "/base/c.pem";
  const result = readTopology(text, { file: "mesh.toml", baseDir: "/base", isFile });
  const found = result.kind === "ok" ? result.warnings : [];
  expect(found.map(({ line, key, message }) => [line, key, message])).toEqual([
    [26, "tls.key", "/k.pem is no file on this machine: mir serve refuses to start without it"],
  ]);
  expect(warningsOf(text)).toEqual([]);
});

test("certificates that are there and cannot be used, for whoever can read them", () => {
  const asked: object[] = [];
  const looks = {
    ...{ file: "mesh.toml", baseDir: "/base", isFile: () => true },
    certificateTrouble(files: object) {
      asked.push(files);
      return "ca" in files ? undefined : "it is no certificate";
    },
  };
  const mesh = ["[security]", ...["cert", "key", "ca"].map((name) => `tls_${name} = "${name}"`)];
  const text = smallFile({}, "[tls]", 'cert = "c.pem"', 'key = "/k.pem"', ...mesh);
  const result = readTopology(text, looks);
  const found = result.kind === "ok" ? result.warnings : [];
  expect(found.map(({ line, key, message }) => [line, key, message])).toEqual([
    [25, "tls.cert", "it is no certificate"],
  ]);
  expect(asked).toEqual([
    { cert: "/base/c.pem", key: "/k.pem" },
    { cert: "/base/cert", key: "/base/key", ca: "/base/ca" },
  ]);
});

test("a capacity whose unit was forgotten", () => {
  const capacity = (value: string) =>
    warningsOf(smallFile({ 6: `cache_dir = "a"\ncapacity = ${value}` }));
  const told = '200 bytes hold hardly a picture: write the unit, as in "200GiB"';
  expect(capacity("200")).toEqual([[7, `${A}.capacity`, told]]);
  expect(capacity('"200"')).toEqual([[7, `${A}.capacity`, told]]);
  expect(capacity('"1MiB"')).toEqual([]);
  expect(capacity('"2PiB"')).toEqual([]);
});
