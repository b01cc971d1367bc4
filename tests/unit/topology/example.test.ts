/** Files that must load unchanged. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { readTopology } from "../../../src/topology/read.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { read, smallFile } from "./small-file.ts";

/** The file that every version must load unchanged. */
const PRODUCTION = `[meta]
name = "production"            # required
description = "…"              # optional
version = "1.0"                # default "1.0"

[s3]
host = "bucket.s3.region.example.com"   # required when a server has is_s3_origin; credentials are secrets, never here

[services]                     # optional
content_resolution_api = "http://api.internal:9999/papi/pt"
thumbnail_endpoint = "http://thumbs.internal:6661/job.image.thumbnails.Thumbnails"

[[levels]]                     # level 0
[[levels.servers]]
name = "edge-us-east-1"        # required, unique
cache_dir = "/var/cache/mir/edge-us-east-1"
[levels.servers.redirect_target]
host = "edge1.cdn.example.com" # required in this table
port = 443                     # required in this table
[[levels.servers.public]]
type = "unix"
path = "/run/mir/edge1.sock"
workers = "cpus"               # or a number; default "cpus"
[[levels.servers.public]]
type = "net"
host = "0.0.0.0"
port = 8080                    # 1-65535
[[levels.servers.private]]
host = "edge1.internal.example.com"
port = 5556

[[levels]]                     # level 1
[[levels.servers]]
name = "regional-us"
cache_dir = "/var/cache/mir/regional-us"
[[levels.servers.private]]
host = "regional-us.internal.example.com"
port = 6666

[[levels]]                     # last level
[[levels.servers]]
name = "origin"
is_s3_origin = true
`;

const topology = topologyOf(PRODUCTION);

function topologyOf(text: string): Topology {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(JSON.stringify(result.mistakes));
  return result.topology;
}

test("the file of the format's description loads unchanged", () => {
  expect(topology.name).toBe("production");
  expect(topology.description).toBe("…");
  expect(topology.version).toBe("1.0");
  expect(topology.levels.map((l) => [l.servers.length, l.origins.length])).toEqual([
    [1, 0],
    [1, 0],
    [0, 1],
  ]);
});

test("its servers are as written, the rest by default", () => {
  expect(topology.levels[0]?.servers).toEqual([
    {
      name: "edge-us-east-1",
      level: 0,
      region: undefined,
      weight: 1,
      draining: false,
      legacy: false,
      cacheDir: "/var/cache/mir/edge-us-east-1",
      cacheDirs: ["/var/cache/mir/edge-us-east-1"],
      capacityBytes: undefined,
      ramBytes: 256 * 2 ** 20,
      workers: "cpus",
      imageWorkers: "cpus",
      publics: [
        { type: "unix", path: "/run/mir/edge1.sock", workers: "cpus", upload: true },
        { type: "net", host: "0.0.0.0", port: 8080, upload: true, tls: true },
      ],
      privates: [
        { host: "edge1.internal.example.com", port: 5556, bind: "edge1.internal.example.com" },
      ],
      admin: undefined,
      redirectTarget: { scheme: "https", host: "edge1.cdn.example.com", port: 443 },
    },
  ]);
});

test("without a bucket the store's host names the bucket, over https", () => {
  expect(topology.levels[2]?.origins).toEqual([
    {
      kind: "s3",
      name: "origin",
      endpoint: "https://bucket.s3.region.example.com",
      bucket: undefined,
      region: undefined,
      prefix: "",
      pathStyle: false,
    },
  ]);
});

test("settings that are not in the file have their defaults", () => {
  expect(topology.routing).toEqual({
    algorithm: "rendezvous",
    seed: "production",
    peerMode: "stream",
    ownerFirstByteMs: 5000,
  });
  expect(topology.sizes.map((s) => `${s.name} ${s.width}x${s.height}`)).toEqual([
    "xs 160x160",
    "sm 320x240",
    "md 1024x768",
    "lg 2048x1536",
    "xl 4096x3072",
  ]);
  expect(topology.image).toEqual({
    policy: "snap",
    exactSizes: [],
    autoFormats: ["avif", "webp"],
    quality: { jpg: 80, webp: 79, avif: 50 },
    avifEffort: 2,
  });
  expect(topology.http).toEqual({
    prefix: "puddle",
    allowOrigin: "*",
    originals: true,
    clientHints: false,
  });
  expect(topology.limits).toEqual({
    imagePixels: LIMITS.imagePixelsMax,
    imageAnimatedPixels: LIMITS.imageAnimatedPixelsMax,
    imageAnimatedWebpPixels: LIMITS.imageAnimatedWebpPixelsMax,
    imageAnimatedGifPixels: LIMITS.imageAnimatedGifPixelsMax,
    imageFrames: LIMITS.imageFramesMax,
    imageSourceBytes: LIMITS.imageSourceBytesMax,
    imageQueue: LIMITS.imageQueueMax,
    standInMs: 4000,
    imageJobMs: 10_000,
  });
  expect(topology.cache).toEqual({ eviction: "s3-fifo", expireUnusedMs: undefined });
  expect(topology.security).toEqual({ insecure: false, tls: undefined });
});

test("every optional key is read", () => {
  const full = topologyOf(
    smallFile(
      {
        6: 'cache_dir = "/a"\nregion = "eu"\nweight = 2.5\ndraining = true\nlegacy = true\ncapacity = "500GiB"\nram = "0"\nworkers = 3\nimage_workers = 2\nadmin = { host = "::1", port = 0 }\nredirect_target = { host = "cdn", port = 443, scheme = "http" }',
        13: 'port = 7001\nbind = "127.0.0.2"',
      },
      "[routing]",
      'algorithm = "md5-modulo"',
      'seed = "s"',
      "owner_first_byte_ms = 100",
      "[[sizes]]",
      'name = "t"',
      "width = 10",
      "height = 20",
      "[image]",
      'policy = "exact"',
      'exact_sizes = ["100x50", "8192x1"]',
      'auto_formats = ["webp"]',
      "jpg_quality = 1",
      "webp_quality = 100",
      "avif_quality = 51",
      "avif_effort = 0",
      "[http]",
      'prefix = "p"',
      'allow_origin = "https://photos.example.com"',
      "originals = false",
      "client_hints = true",
      "[limits]",
      "pixels = 1",
      "animated_pixels = 2",
      "animated_webp_pixels = 6",
      "animated_gif_pixels = 7",
      "frames = 3",
      'source_bytes = "1MiB"',
      "queue = 4",
      "job_ms = 5",
      "stand_in_ms = 8",
      "[cache]",
      'eviction = "lru"',
      'expire_unused = "90d"',
      "[security]",
      "insecure = true",
      'tls_cert = "node.pem"',
      'tls_key = "/keys/node.key"',
      'tls_ca = "ca.pem"',
      "[services]",
      'content_resolution_api = "http://api/pt/"',
      'thumbnail_endpoint = "https://t:1/x"',
    ),
  );
  expect(full.levels[0]?.servers[0]).toMatchObject({
    cacheDir: "/a",
    cacheDirs: ["/a"],
    region: "eu",
    weight: 2.5,
    draining: true,
    legacy: true,
    capacityBytes: 500 * 2 ** 30,
    ramBytes: 0,
    workers: 3,
    imageWorkers: 2,
    admin: { host: "::1", port: 0 },
    redirectTarget: { scheme: "http", host: "cdn", port: 443 },
    privates: [{ host: "127.0.0.1", port: 7001, bind: "127.0.0.2" }],
  });
  expect(full.routing).toEqual({
    algorithm: "md5-modulo",
    seed: "s",
    peerMode: "stream",
    ownerFirstByteMs: 100,
  });
  expect(full.sizes).toEqual([{ name: "t", width: 10, height: 20 }]);
  expect(full.image).toEqual({
    policy: "exact",
    exactSizes: ["100x50", "8192x1"],
    autoFormats: ["webp"],
    quality: { jpg: 1, webp: 100, avif: 51 },
    avifEffort: 0,
  });
  expect(full.http).toEqual({
    prefix: "p",
    allowOrigin: "https://photos.example.com",
    originals: false,
    clientHints: true,
  });
  expect(Object.values(full.limits)).toEqual([1, 2, 6, 7, 3, 2 ** 20, 4, 5, 8]);
  expect(full.cache).toEqual({ eviction: "lru", expireUnusedMs: 90 * 86_400_000 });
  expect(full.security).toEqual({
    insecure: true,
    tls: { cert: "/base/node.pem", key: "/keys/node.key", ca: "/base/ca.pem" },
  });
  expect(full.services).toEqual({
    contentResolutionApi: "http://api/pt",
    thumbnailEndpoint: "https://t:1/x",
  });
});

test("relative paths are taken from the folder of the file", () => {
  const small = topologyOf(smallFile({ 8: 'type = "unix"', 9: 'path = "../a.sock"', 10: "" }));
  expect(small.levels[0]?.servers[0]?.cacheDir).toBe("/base/a");
  expect(small.levels[0]?.servers[0]?.publics).toEqual([
    { type: "unix", path: "/a.sock", workers: "cpus", upload: true },
  ]);
  expect(small.levels[1]?.origins).toEqual([{ kind: "directory", name: "o", dir: "/base/o" }]);
});

test.each([
  ['host = "s3.example.com"\nbucket = "b"', "https://s3.example.com", false],
  ['host = "http://127.0.0.1:9000"\nbucket = "b"', "http://127.0.0.1:9000", true],
  ['host = "https://[::1]:9000/"\nbucket = "b"', "https://[::1]:9000", true],
  ['host = "http://127.0.0.1:9000"', "http://127.0.0.1:9000", false],
  ['host = "localhost:9000"\nbucket = "b"\npath_style = false', "https://localhost:9000", false],
  ['host = "s3.example.com"\nbucket = "b"\npath_style = true', "https://s3.example.com", true],
])("[s3] %j is reached at %j, path style %j", (store, endpoint, pathStyle) => {
  const { levels } = topologyOf(smallFile({ 23: "is_s3_origin = true" }, "[s3]", store));
  expect(levels[1]?.origins[0]).toMatchObject({ kind: "s3", endpoint, pathStyle });
});

test.each(["laptop.toml", "production.example.toml"])(
  "the example %s has no warning",
  async (name) => {
    const text = await Bun.file(`${import.meta.dir}/../../../topology/${name}`).text();
    const result = readTopology(text, { file: name, baseDir: "/base" });
    expect(result).toMatchObject({ kind: "ok", warnings: [] });
  },
);
