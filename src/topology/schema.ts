/** Every key of a topology file, once: what it may hold and what it is by default (spec §9). */

import * as v from "valibot";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { TIMING_LEVELS } from "../observe/server-timing.ts";
import * as a from "./values.ts";

const publicListener = v.variant(
  "type",
  [
    v.object({
      type: v.literal("net"),
      host: a.host,
      port: a.bindPort,
      upload: v.optional(a.flag, true),
      tls: v.optional(a.flag, true),
    }),
    v.object({
      type: v.literal("unix"),
      path: a.filePath,
      workers: v.optional(a.workers, "cpus"),
      upload: v.optional(a.flag, true),
    }),
  ],
  a.namesText(["net", "unix"]),
);

const privateListener = v.object({
  host: a.host,
  port: a.port,
  bind: v.optional(a.host),
});

/** A node or an origin: which keys go together is checked apart, so that all is told at once. */
const server = v.object({
  name: a.serverName,
  region: v.optional(a.fullText),
  weight: v.optional(a.weight, 1),
  draining: v.optional(a.flag, false),
  legacy: v.optional(a.flag, false),
  cache_dir: v.optional(a.filePath),
  cache_dirs: v.optional(v.array(a.filePath)),
  capacity: v.optional(a.byteSize),
  ram: v.optional(a.byteSizeOrNone, "256MiB"),
  workers: v.optional(a.workers, "cpus"),
  image_workers: v.optional(a.workers, "cpus"),
  is_s3_origin: v.optional(a.flag, false),
  origin_dir: v.optional(a.filePath),
  public: v.optional(v.array(publicListener), []),
  private: v.optional(v.array(privateListener), []),
  admin: v.optional(v.object({ host: a.host, port: a.bindPort })),
  redirect_target: v.optional(
    v.object({
      host: a.host,
      port: a.port,
      scheme: v.optional(a.oneOf(["http", "https"])),
    }),
  ),
});

const autoFormats = v.array(a.oneOf(["avif", "webp"]));

const sizeClass = v.object({
  name: a.className,
  width: a.side,
  height: a.side,
  fit: v.optional(a.oneOf(["inside", "cover", "contain"])),
  jpg_quality: v.optional(a.quality),
  webp_quality: v.optional(a.quality),
  avif_quality: v.optional(a.quality),
  avif_effort: v.optional(a.effort),
  auto_formats: v.optional(autoFormats),
});

export const topologySchema = v.object({
  meta: v.object({
    name: a.fullText,
    description: v.optional(v.string("a text in quotes"), ""),
    version: v.optional(a.text, "1.0"),
  }),
  levels: v.array(v.object({ servers: v.array(server) })),
  s3: v.optional(
    v.object({
      host: a.fullText,
      bucket: v.optional(a.fullText),
      region: v.optional(a.fullText),
      prefix: v.optional(a.text, ""),
      path_style: v.optional(a.flag),
    }),
  ),
  services: v.optional(
    v.object({
      content_resolution_api: v.optional(a.httpUrl),
      thumbnail_endpoint: v.optional(a.httpUrl),
    }),
    {},
  ),
  routing: v.optional(
    v.object({
      algorithm: v.optional(a.oneOf(["rendezvous", "md5-modulo"]), "rendezvous"),
      seed: v.optional(a.fullText),
      peer_mode: v.optional(a.oneOf(["stream", "redirect", "redirect-originals"]), "stream"),
      owner_first_byte_ms: v.optional(a.firstByteMs, DEADLINES.ownerFirstByteMs),
      rebalance_window: v.optional(a.duration, "24h"),
      rebalance_bytes_per_second: v.optional(a.byteSize, "64MiB"),
    }),
    {},
  ),
  sizes: v.optional(v.array(sizeClass), [
    { name: "xs", width: 160, height: 160 },
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768 },
    { name: "lg", width: 2048, height: 1536 },
    { name: "xl", width: 4096, height: 3072 },
  ]),
  image: v.optional(
    v.object({
      policy: v.optional(a.oneOf(["snap", "exact", "classes"]), "snap"),
      exact_sizes: v.optional(v.array(a.box), []),
      auto_formats: v.optional(autoFormats, ["avif", "webp"]),
      jpg_quality: v.optional(a.quality, 80),
      webp_quality: v.optional(a.quality, 79),
      avif_quality: v.optional(a.quality, 50),
      avif_effort: v.optional(a.effort, 2),
    }),
    {},
  ),
  http: v.optional(
    v.object({
      prefix: v.optional(a.prefix, "puddle"),
      allow_origin: v.optional(a.allowOrigin, "*"),
      originals: v.optional(a.flag, true),
      client_hints: v.optional(a.flag, false),
    }),
    {},
  ),
  limits: v.optional(
    v.object({
      pixels: v.optional(a.lowered(LIMITS.imagePixelsMax), LIMITS.imagePixelsMax),
      animated_pixels: v.optional(
        a.lowered(LIMITS.imageAnimatedPixelsMax),
        LIMITS.imageAnimatedPixelsMax,
      ),
      animated_webp_pixels: v.optional(
        a.lowered(LIMITS.imageAnimatedWebpPixelsMax),
        LIMITS.imageAnimatedWebpPixelsMax,
      ),
      animated_gif_pixels: v.optional(
        a.lowered(LIMITS.imageAnimatedGifPixelsMax),
        LIMITS.imageAnimatedGifPixelsMax,
      ),
      frames: v.optional(a.lowered(LIMITS.imageFramesMax), LIMITS.imageFramesMax),
      source_bytes: v.optional(
        a.loweredBytes(LIMITS.imageSourceBytesCeiling),
        LIMITS.imageSourceBytesMax,
      ),
      queue: v.optional(a.lowered(LIMITS.imageQueueMax), LIMITS.imageQueueMax),
      job_ms: v.optional(a.lowered(DEADLINES.imageJobLongestMs), DEADLINES.imageJobMs),
      stand_in_ms: v.optional(a.lowered(DEADLINES.requestMs), DEADLINES.standInMs),
    }),
    {},
  ),
  cache: v.optional(
    v.object({
      eviction: v.optional(a.oneOf(["s3-fifo", "lru"]), "s3-fifo"),
      expire_unused: v.optional(a.duration),
    }),
    {},
  ),
  security: v.optional(
    v.object({
      insecure: v.optional(a.flag, false),
      tls_cert: v.optional(a.filePath),
      tls_key: v.optional(a.filePath),
      tls_ca: v.optional(a.filePath),
    }),
    {},
  ),
  hot: v.optional(
    v.object({
      replicate: v.optional(a.flag, true),
      half_life: v.optional(a.duration, "300s"),
      replica_share: v.optional(a.replicaShare, 0.1),
    }),
    {},
  ),
  log: v.optional(
    v.object({
      access: v.optional(a.share, "off"),
      slow_ms: v.optional(a.slowMs, 1000),
      server_timing: v.optional(a.oneOf(TIMING_LEVELS), "durations"),
      client_address: v.optional(a.flag, false),
    }),
    {},
  ),
  tls: v.optional(v.object({ cert: a.filePath, key: a.filePath })),
});

/** The file once every value has been found good. */
export type TopologyFile = v.InferOutput<typeof topologySchema>;
export type SizeTable = TopologyFile["sizes"][number];
export type ServerTable = TopologyFile["levels"][number]["servers"][number];
