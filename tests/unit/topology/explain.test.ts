/** A topology told to people and to machines. */

import { expect, test } from "bun:test";
import { checkJson, explainTopology, formatMistakes } from "../../../src/topology/explain.ts";
import { read, smallFile } from "./small-file.ts";

function explain(text: string): string {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(formatMistakes(result.mistakes));
  return explainTopology(result.topology, result.warnings);
}

test("a mesh is explained from the edge to the origin, then its settings", () => {
  expect(explain(smallFile()).split("\n")).toEqual([
    "m 1.0: 2 levels, 2 servers, 1 origin",
    "between nodes: MIR_CONTROL_KEY, which only listeners on loopback can do without",
    'ownership: rendezvous with seed "m", epoch 6b3d008e6747b1ec',
    "",
    "level 0",
    "  a: owns 50 % of the level",
    "    public    http 127.0.0.1:8080",
    "    private   127.0.0.1:7001",
    "    cache     /base/a, 90 % of its file system, 256 MiB in memory",
    "    workers   one per CPU, image workers one per CPU",
    "    upstream  o (directory)",
    "  b: owns 50 % of the level",
    "    private   127.0.0.1:7002",
    "    cache     /base/b, 90 % of its file system, 256 MiB in memory",
    "    workers   one per CPU, image workers one per CPU",
    "    upstream  o (directory)",
    "",
    "level 1 (origin)",
    "  o: directory /base/o",
    "",
    "pictures: /puddle/{webId}/{size}/{filename}.{ext}",
    "  sizes     xs 160x160, sm 320x240, md 1024x768, lg 2048x1536, xl 4096x3072, orig untouched, placeholder",
    "  policy    snap: WxH in a URL is answered with the smallest class that holds it",
    "  auto      avif, webp where accepted, else gif when animated, png with alpha, jpg",
    "  web ids   are content ids (no content_resolution_api)",
  ]);
});

test("shares follow the weights within the group", () => {
  const regions = smallFile({
    6: 'cache_dir = "a"\nregion = "eu"\nweight = 3',
    16: 'cache_dir = "b"\nregion = "eu"',
  });
  expect(explain(regions)).toContain("  a: owns 75 % of region eu\n");
  expect(explain(regions)).toContain("  b: owns 25 % of region eu\n");
});

test("a draining server owns nothing, unless all drain", () => {
  const one = explain(smallFile({ 6: 'cache_dir = "a"\ndraining = true' }));
  expect(one).toContain("  a: draining, owns nothing in the level\n");
  expect(one).toContain("  b: owns 100 % of the level\n");
  const both = { 6: 'cache_dir = "a"\ndraining = true', 16: 'cache_dir = "b"\ndraining = true' };
  expect(explain(smallFile(both))).toContain("  a: owns 50 % of the level\n");
});

test("md5-modulo shares alike", () => {
  const weighted = smallFile(
    { 6: 'cache_dir = "a"\nweight = 9' },
    '[routing]\nalgorithm = "md5-modulo"',
  );
  expect(explain(weighted)).toContain("  b: owns 50 % of the level\n");
});

test("upstream names the own region first, then the others, then the levels below", () => {
  const server = (name: string, region: string, port: number) =>
    `[[levels.servers]]\nname = "${name}"\nregion = "${region}"\ncache_dir = "${name}"\nprivate = [{ host = "::1", port = ${port} }]`;
  const text = `[meta]\nname = "m"\n[[levels]]\n${server("e-us", "us", 1)}\n[[levels]]
${server("r-eu", "eu", 2)}\n${server("r-us", "us", 3)}\n[[levels]]\n[[levels.servers]]
name = "store"\nis_s3_origin = true\n[s3]\nhost = "s3.example.com"\nbucket = "b"\npath_style = true`;
  expect(explain(text)).toContain("    upstream  r-us (us) → r-eu (eu) → store (S3)\n");
  expect(explain(text)).toContain("  store: S3 https://s3.example.com, bucket b, path style\n");
  expect(explain(text)).toContain("    private   [::1]:2\n");
});

test("sockets, admin, bind and port 0 are shown as they will be opened", () => {
  const text = explain(
    smallFile({
      6: 'cache_dir = "a"\ncapacity = "1.5TiB"\nram = "0"\nadmin = { host = "127.0.0.1", port = 0 }',
      8: 'type = "unix"\npath = "x.sock"\nworkers = 2',
      9: "",
      10: "",
      19: 'port = 7002\nbind = "127.0.0.9"',
    }),
  );
  expect(text).toContain("    public    unix /base/x.{worker}.sock, 2\n");
  expect(text).toContain("    admin     127.0.0.1:any free port\n");
  expect(text).toContain("    private   127.0.0.1:7002, bound to 127.0.0.9\n");
  expect(text).toContain("    cache     /base/a, 1.5 TiB, no answers in memory\n");
});

test("the policy names its boxes", () => {
  const exact = (boxes: string) =>
    explain(smallFile({}, `[image]\npolicy = "exact"\nexact_sizes = [${boxes}]`));
  expect(exact('"1x2", "3x4"')).toContain("exact: WxH in a URL must be one of 1x2, 3x4\n");
  expect(exact("")).toContain("exact: WxH in a URL must be one of (none)\n");
});

test("a long value is cut where a mistake shows it", () => {
  const found = (chars: number) => {
    const result = read(smallFile({ 9: `host = "${"-".repeat(chars)}"` }));
    return result.kind === "mistakes" ? result.mistakes[0]?.found : undefined;
  };
  expect(found(80)).toBe(`"${"-".repeat(80)}"`);
  expect(found(81)).toBe(`"${"-".repeat(80)}…"`);
});

test("warnings come last, each with its place", () => {
  const lines = explain(smallFile({}, '[routing]\npeer_mode = "redirect"')).split("\n");
  expect(lines.slice(-3)).toEqual([
    "",
    "1 warning",
    "mesh.toml:25:1  routing.peer_mode: has no effect: no server of level 0 has a redirect_target",
  ]);
});

test("mistakes are told as compilers do, one a line", () => {
  const result = read(smallFile({ 2: "nmae = 1" }));
  expect(result.kind === "mistakes" ? formatMistakes(result.mistakes) : "").toBe(
    "mesh.toml:1:1  meta.name: found nothing, expected a text that is not empty\n" +
      "mesh.toml:2:1  meta.nmae: found an unknown key, expected a known key (did you mean name?)",
  );
});

test("for machines the same is one JSON object", () => {
  expect(JSON.parse(checkJson("mesh.toml", read("a = 1\na = 2")))).toEqual({
    ok: false,
    file: "mesh.toml",
    mistakes: [
      {
        file: "mesh.toml",
        line: 2,
        column: 1,
        key: "",
        found: "trying to redefine an already defined table or value",
        expected: "valid TOML (https://toml.io)",
        nearest: null,
      },
    ],
  });
  const good = JSON.parse(checkJson("mesh.toml", read(smallFile())));
  expect(good).toMatchObject({ ok: true, warnings: [], topology: { name: "m" } });
  expect(good.topology.levels[0].servers[0].region).toBeNull();
});
