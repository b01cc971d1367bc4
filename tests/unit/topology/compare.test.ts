/** What a running node can take of a changed topology file, and what it cannot. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Comparison, compareTopologies } from "../../../src/topology/compare.ts";
import type { TopologyFile } from "../../../src/topology/schema.ts";
import { schemaKeys } from "../../../src/topology/shape.ts";
import { read, smallFile } from "./small-file.ts";

function fileOf(text: string): TopologyFile {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(JSON.stringify(result.mistakes));
  return result.file;
}

/** From the small file, as node `a`. */
function compare(text: string, before = smallFile()): Comparison {
  return compareTopologies(fileOf(before), fileOf(text), "a");
}

const keysOf = (comparison: Comparison): string[] =>
  comparison.kind === "same" ? [] : comparison.changes.map(({ key }) => key);

const A = "levels.servers[a]";
const B = "levels.servers[b]";
const C = '[[levels.servers]]\nname = "c"\ncache_dir = "c"';

describe("nothing has changed", () => {
  test.each<[string, string]>([
    ["the same text", smallFile()],
    ["comments", `# hello\n${smallFile()}`],
    [
      "a default written out",
      smallFile({ 6: 'cache_dir = "a"\nweight = 1\nprivate = []' }).replace("\nprivate = []", ""),
    ],
    ["a table without keys", smallFile({}, "[image]")],
  ])("with %s", (_, text) => {
    expect(compare(text)).toEqual({ kind: "same" });
  });
});

describe("applied while the node runs", () => {
  test.each<[string, string, readonly string[]]>([
    ["a server more", smallFile({ 14: `${C}\n[[levels.servers]]` }), ["levels.servers[c]"]],
    ["a server less", smallFile({ 14: "", 15: "", 16: "", 17: "", 18: "", 19: "" }), [B]],
    ["another one's weight", smallFile({ 16: 'cache_dir = "b"\nweight = 2' }), [`${B}.weight`]],
    [
      "another one draining",
      smallFile({ 16: 'cache_dir = "b"\ndraining = true' }),
      [`${B}.draining`],
    ],
    ["another one's address", smallFile({ 19: "port = 7003" }), [`${B}.private`]],
    ["another one's directory", smallFile({ 16: 'cache_dir = "x"' }), [`${B}.cache_dir`]],
    ["the own weight", smallFile({ 6: 'cache_dir = "a"\nweight = 3' }), [`${A}.weight`]],
    ["the own region", smallFile({ 6: 'cache_dir = "a"\nregion = "eu"' }), [`${A}.region`]],
    ["the own draining", smallFile({ 6: 'cache_dir = "a"\ndraining = true' }), [`${A}.draining`]],
    [
      "the address peers dial, where the bound one stays",
      smallFile({ 12: 'host = "a.internal"\nbind = "127.0.0.1"' }),
      [`${A}.private`],
    ],
    ["the seed", smallFile({}, '[routing]\nseed = "n"'), ["routing.seed"]],
    ["the algorithm", smallFile({}, '[routing]\nalgorithm = "md5-modulo"'), ["routing.algorithm"]],
    ["peer_mode", smallFile({}, '[routing]\npeer_mode = "redirect"'), ["routing.peer_mode"]],
    ["the quality", smallFile({}, "[image]\njpg_quality = 5"), ["image.jpg_quality"]],
    ["a limit of pictures", smallFile({}, "[limits]\npixels = 10"), ["limits.pixels"]],
    ["hot content", smallFile({}, '[hot]\nhalf_life = "9s"'), ["hot.half_life"]],
    ["the prefix", smallFile({}, '[http]\nprefix = "p"'), ["http.prefix"]],
    ["the origin", smallFile({ 23: 'origin_dir = "x"' }), ["levels.servers[o].origin_dir"]],
    ["the name of the mesh", smallFile({ 2: 'name = "n"' }), ["meta.name"]],
    [
      "a level more",
      smallFile({ 20: '[[levels]]\n[[levels.servers]]\nname = "r"\ncache_dir = "r"\n[[levels]]' }),
      ["levels.servers[o].level", "levels.servers[r]"],
    ],
    [
      "the order of servers",
      smallFile({}).replace(
        /(\[\[levels\.servers\]\]\nname = "a"[\s\S]*?)(\[\[levels\.servers\]\]\nname = "b"[\s\S]*?)(?=\[\[levels\]\])/,
        "$2$1",
      ),
      ["levels.servers"],
    ],
  ])("%s", (_, text, keys) => {
    const comparison = compare(text);
    expect(comparison.kind).toBe("live");
    expect(keysOf(comparison).sort()).toEqual([...keys].sort());
  });
});

describe("needs a restart, and then nothing is applied", () => {
  test.each<[string, string, readonly string[]]>([
    ["the own directory", smallFile({ 6: 'cache_dir = "x"' }), [`${A}.cache_dir`]],
    ["the own capacity", smallFile({ 6: 'cache_dir = "a"\ncapacity = "1GiB"' }), [`${A}.capacity`]],
    ["the own workers", smallFile({ 6: 'cache_dir = "a"\nworkers = 3' }), [`${A}.workers`]],
    [
      "the own image workers",
      smallFile({ 6: 'cache_dir = "a"\nimage_workers = 3' }),
      [`${A}.image_workers`],
    ],
    ["the own public port", smallFile({ 10: "port = 8081" }), [`${A}.public`]],
    ["the own bound address", smallFile({ 13: "port = 7009" }), [`${A}.private.bind`]],
    [
      "the own admin listener",
      smallFile({ 6: 'cache_dir = "a"\nadmin = { host = "::1", port = 0 }' }),
      [`${A}.admin.host`, `${A}.admin.port`],
    ],
    ["its own going", smallFile({ 5: 'name = "z"' }), [A]],
    ["the size classes", smallFile({}, '[[sizes]]\nname = "t"\nwidth = 1\nheight = 1'), ["sizes"]],
    [
      "the exact boxes",
      smallFile({}, '[image]\npolicy = "exact"\nexact_sizes = ["1x1"]'),
      ["image.exact_sizes"],
    ],
    [
      "the resolver",
      smallFile({}, '[services]\ncontent_resolution_api = "http://x/"'),
      ["services.content_resolution_api"],
    ],
    ["the image queue", smallFile({}, "[limits]\nqueue = 1"), ["limits.queue"]],
    ["the time of an image job", smallFile({}, "[limits]\njob_ms = 1"), ["limits.job_ms"]],
    ["expiry", smallFile({}, '[cache]\nexpire_unused = "9d"'), ["cache.expire_unused"]],
    ["security", smallFile({}, "[security]\ninsecure = true"), ["security.insecure"]],
    [
      "one key beside others that would not",
      smallFile({ 6: 'cache_dir = "x"\nweight = 9' }, '[http]\nprefix = "p"'),
      [`${A}.cache_dir`],
    ],
  ])("%s", (_, text, keys) => {
    const comparison = compare(text);
    expect(comparison.kind).toBe("restart");
    expect(keysOf(comparison).sort()).toEqual([...keys].sort());
  });
});

describe("a change", () => {
  test("is told by its key in the file and both values, defaults included", () => {
    expect(compare(smallFile({ 6: 'cache_dir = "a"\nweight = 2.5' }))).toEqual({
      kind: "live",
      changes: [{ key: `${A}.weight`, from: "1", to: "2.5" }],
    });
    expect(compare(smallFile({ 14: `${C}\n[[levels.servers]]` }))).toEqual({
      kind: "live",
      changes: [{ key: "levels.servers[c]", from: "absent", to: "level 0" }],
    });
    expect(compare(smallFile({}, '[routing]\nseed = "n"'))).toEqual({
      kind: "live",
      changes: [{ key: "routing.seed", from: "absent", to: '"n"' }],
    });
  });

  test("is found in whichever direction it is made", () => {
    const edits = [
      smallFile({ 6: 'cache_dir = "a"\nweight = 2' }),
      smallFile({ 16: 'cache_dir = "b"\nregion = "eu"' }),
      smallFile({}, "[image]\nwebp_quality = 7"),
      smallFile({ 10: "port = 99" }),
      smallFile({}, '[s3]\nhost = "x"'),
      smallFile(),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...edits), fc.constantFrom(...edits), (one, other) => {
        const there = compare(other, one);
        const back = compare(one, other);
        expect(back.kind).toBe(there.kind);
        expect(keysOf(back).sort()).toEqual(keysOf(there).sort());
        expect(there.kind === "same").toBe(one === other);
      }),
    );
  });
});

test("docs/operations.md says of every key whether a reload applies it", async () => {
  const page = await Bun.file(`${import.meta.dir}/../../../docs/operations.md`).text();
  const section = /## Reload\n([\s\S]*?)\n## /.exec(page)?.[1] ?? "";
  const named = [...section.matchAll(/`([a-z0-9_.]+)`/g)].map(([, key = ""]) => key);
  const silent = schemaKeys().filter(
    (key) => !named.some((name) => key === name || key.startsWith(`${name}.`)),
  );
  expect(silent).toEqual([]);
});
