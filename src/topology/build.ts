/** A checked file → what it means: defaults filled in, paths absolute, origins apart. */

import { resolve } from "node:path";
import { epochOf } from "./epoch.ts";
import type { ServerTable, SizeTable, TopologyFile } from "./schema.ts";
import { isAddress, parseStoreAddress } from "./store-address.ts";
import type {
  Level,
  OriginSpec,
  PublicListener,
  RedirectTarget,
  Security,
  Server,
  SizeClass,
  Topology,
} from "./topology.ts";

const HTTPS_PORT = 443;

/** Relative paths of the file are taken from `baseDir`. The checks must have passed. */
export function buildTopology(file: TopologyFile, baseDir: string): Topology {
  const routing = {
    algorithm: file.routing.algorithm,
    seed: file.routing.seed ?? file.meta.name,
    peerMode: file.routing.peer_mode,
    ownerFirstByteMs: file.routing.owner_first_byte_ms,
  };
  const levels = file.levels.map(
    ({ servers }, index): Level => ({
      index,
      servers: servers.flatMap((server) => buildServer(server, index, baseDir)),
      origins: servers.flatMap((server) => buildOrigin(server, file.s3, baseDir)),
    }),
  );
  return {
    name: file.meta.name,
    description: file.meta.description,
    version: file.meta.version,
    levels,
    services: {
      contentResolutionApi: withoutSlash(file.services.content_resolution_api),
      thumbnailEndpoint: file.services.thumbnail_endpoint,
    },
    routing,
    sizes: file.sizes.map(buildSize),
    ...buildSettings(file),
    security: buildSecurity(file.security, baseDir),
    tls: buildTls(file.tls, baseDir),
    epoch: epochOf({ levels, routing }),
  };
}

function buildSize(table: SizeTable): SizeClass {
  const { name, width, height, fit, avif_effort: avifEffort, auto_formats: autoFormats } = table;
  const quality = {
    ...(table.jpg_quality === undefined ? {} : { jpg: table.jpg_quality }),
    ...(table.webp_quality === undefined ? {} : { webp: table.webp_quality }),
    ...(table.avif_quality === undefined ? {} : { avif: table.avif_quality }),
  };
  return {
    name,
    width,
    height,
    ...(fit === undefined ? {} : { fit }),
    ...(Object.keys(quality).length === 0 ? {} : { quality }),
    ...(avifEffort === undefined ? {} : { avifEffort }),
    ...(autoFormats === undefined ? {} : { autoFormats }),
  };
}

type Settings = Pick<Topology, "image" | "http" | "limits" | "cache" | "rebalance" | "hot" | "log">;

function buildSettings(file: TopologyFile): Settings {
  const { routing, image, http, limits, cache, hot, log } = file;
  return {
    image: {
      policy: image.policy,
      exactSizes: image.exact_sizes,
      autoFormats: image.auto_formats,
      quality: { jpg: image.jpg_quality, webp: image.webp_quality, avif: image.avif_quality },
      avifEffort: image.avif_effort,
    },
    http: {
      prefix: http.prefix,
      allowOrigin: http.allow_origin,
      originals: http.originals,
      clientHints: http.client_hints,
    },
    limits: {
      imagePixels: limits.pixels,
      imageAnimatedPixels: limits.animated_pixels,
      imageAnimatedWebpPixels: limits.animated_webp_pixels,
      imageAnimatedGifPixels: limits.animated_gif_pixels,
      imageFrames: limits.frames,
      imageSourceBytes: limits.source_bytes,
      imageQueue: limits.queue,
      imageJobMs: limits.job_ms,
      standInMs: limits.stand_in_ms,
    },
    cache: { eviction: cache.eviction, expireUnusedMs: cache.expire_unused },
    rebalance: {
      windowMs: routing.rebalance_window,
      bytesPerSecond: routing.rebalance_bytes_per_second,
    },
    hot: {
      replicate: hot.replicate,
      halfLifeMs: hot.half_life,
      replicaShare: hot.replica_share,
    },
    log: {
      share: log.access,
      slowMs: log.slow_ms,
      timing: log.server_timing,
      clientAddress: log.client_address,
    },
  };
}

function buildSecurity(security: TopologyFile["security"], baseDir: string): Security {
  const { insecure, tls_cert: cert, tls_key: key, tls_ca: ca } = security;
  if (cert === undefined || key === undefined || ca === undefined) {
    return { insecure, tls: undefined };
  }
  const at = (path: string): string => resolve(baseDir, path);
  return { insecure, tls: { cert: at(cert), key: at(key), ca: at(ca) } };
}

function buildTls(tls: TopologyFile["tls"], baseDir: string): Topology["tls"] {
  if (tls === undefined) return undefined;
  return { cert: resolve(baseDir, tls.cert), key: resolve(baseDir, tls.key) };
}

/** Nothing for an origin, which has no cache_dir. */
function buildServer(server: ServerTable, level: number, baseDir: string): Server[] {
  if (server.cache_dir === undefined) return [];
  return [
    {
      name: server.name,
      level,
      region: server.region,
      weight: server.weight,
      draining: server.draining,
      legacy: server.legacy,
      cacheDir: resolve(baseDir, server.cache_dir),
      cacheDirs: (server.cache_dirs ?? [server.cache_dir]).map((dir) => resolve(baseDir, dir)),
      capacityBytes: server.capacity,
      ramBytes: server.ram,
      workers: server.workers,
      imageWorkers: server.image_workers,
      publics: server.public.map((listener) => buildPublic(listener, baseDir)),
      privates: server.private.map(({ host, port, bind }) => ({ host, port, bind: bind ?? host })),
      admin: server.admin,
      redirectTarget: buildTarget(server.redirect_target),
    },
  ];
}

function buildTarget(target: ServerTable["redirect_target"]): RedirectTarget | undefined {
  if (target === undefined) return undefined;
  const { host, port, scheme = port === HTTPS_PORT ? "https" : "http" } = target;
  return { scheme, host, port };
}

function buildPublic(listener: ServerTable["public"][number], baseDir: string): PublicListener {
  const { upload } = listener;
  if (listener.type === "net") {
    const { host, port, tls } = listener;
    return { type: "net", host, port, upload, tls };
  }
  return { type: "unix", path: resolve(baseDir, listener.path), workers: listener.workers, upload };
}

function buildOrigin(
  server: ServerTable,
  store: TopologyFile["s3"],
  baseDir: string,
): OriginSpec[] {
  const { name, origin_dir: dir } = server;
  if (dir !== undefined) return [{ kind: "directory", name, dir: resolve(baseDir, dir) }];
  if (!server.is_s3_origin || store === undefined) return [];
  const address = parseStoreAddress(store.host);
  if (address.kind === "bad") return [];
  return [
    {
      kind: "s3",
      name,
      endpoint: address.endpoint,
      bucket: store.bucket,
      region: store.region,
      prefix: store.prefix,
      // a bucket cannot be put in front of an IP address
      pathStyle: store.path_style ?? (store.bucket !== undefined && isAddress(address.hostname)),
    },
  ];
}

/** So that `{api}/{webId}` has one slash. */
function withoutSlash(url: string | undefined): string | undefined {
  return url?.replace(/\/+$/, "");
}
