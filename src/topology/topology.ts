/** What a topology file means once it has been read: every default filled in, every reference checked. */

import { Fault } from "../base/fault.ts";
import { type Format, ORIG, PLACEHOLDER } from "../base/variant.ts";
import type { RequestLogSettings } from "../observe/request-log.ts";

export interface Topology {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** Level 0 is the edge. The last level may be an origin. */
  readonly levels: readonly Level[];
  readonly services: Services;
  readonly routing: Routing;
  readonly sizes: readonly SizeClass[];
  readonly image: ImageSettings;
  readonly http: HttpSettings;
  readonly limits: TopologyLimits;
  readonly cache: CacheSettings;
  readonly security: Security;
  /** The certificate of public listeners. */
  readonly tls: CertificateFiles | undefined;
  readonly rebalance: RebalanceSettings;
  readonly hot: HotSettings;
  /** Of what is told of single requests. */
  readonly log: RequestLogSettings;
  /** First 8 bytes of SHA-256 over the routing fields, as 16 hex digits (spec §4). */
  readonly epoch: string;
}

/** Of the control protocol. */
export interface Security {
  readonly insecure: boolean;
  /** undefined: plain TCP. */
  readonly tls: TlsFiles | undefined;
}

/** Absolute paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsFiles extends CertificateFiles {
  readonly ca: string;
}

export interface Level {
  readonly index: number;
  /** Servers that run `mir serve`, in file order; empty at a level that is only an origin. */
  readonly servers: readonly Server[];
  /** Origins of this level in file order; asked by the servers of the level above. */
  readonly origins: readonly OriginSpec[];
}

export interface Server {
  readonly name: string;
  readonly level: number;
  readonly region: string | undefined;
  readonly weight: number;
  readonly draining: boolean;
  readonly legacy: boolean;
  /** Absolute, or relative to the folder of the topology file and made absolute when read. */
  readonly cacheDir: string;
  /** Where variants lie, at least one, absolute too: `[cacheDir]`, or those of `cache_dirs`. */
  readonly cacheDirs: readonly string[];
  /** Of all directories together; undefined: 90 % of the file system of each. */
  readonly capacityBytes: number | undefined;
  /** Of answers held in memory by all workers together; 0: none. */
  readonly ramBytes: number;
  readonly workers: number | "cpus";
  readonly imageWorkers: number | "cpus";
  readonly publics: readonly PublicListener[];
  readonly privates: readonly PrivateListener[];
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly redirectTarget: RedirectTarget | undefined;
}

/** Where clients reach the public side of a server. */
export interface RedirectTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
}

export type PublicListener =
  | {
      readonly type: "net";
      readonly host: string;
      readonly port: number;
      /** Whether uploads are taken here. */
      readonly upload: boolean;
      /** Speaks TLS where the topology names a certificate. */
      readonly tls: boolean;
    }
  | {
      readonly type: "unix";
      readonly path: string;
      readonly workers: number | "cpus";
      readonly upload: boolean;
    };

export interface PrivateListener {
  /** Where peers dial. */
  readonly host: string;
  readonly port: number;
  /** Where this server binds; `host` by default. */
  readonly bind: string;
}

export type OriginSpec =
  | { readonly kind: "directory"; readonly name: string; readonly dir: string }
  | {
      readonly kind: "s3";
      readonly name: string;
      /** `https://…` or `http://…`, no trailing slash. */
      readonly endpoint: string;
      readonly bucket: string | undefined;
      readonly region: string | undefined;
      readonly prefix: string;
      readonly pathStyle: boolean;
    };

export interface Services {
  readonly contentResolutionApi: string | undefined;
  readonly thumbnailEndpoint: string | undefined;
}

export interface Routing {
  readonly algorithm: "rendezvous" | "md5-modulo";
  readonly seed: string;
  /** What a server of the edge does with what another one owns: pass it on, or send the client there. */
  readonly peerMode: "stream" | "redirect" | "redirect-originals";
  /** Milliseconds a live owner may be slow to begin before the next rank is asked as well. */
  readonly ownerFirstByteMs: number;
}

/**
 * How a picture comes into the box of a class. `inside`: whole, as large as fits. `cover`: a crop of the box's shape
 * around what draws attention. `contain`: whole, with room around it to fill the box. None of them enlarges.
 */
export type Fit = "inside" | "cover" | "contain";

/** Formats with a quality that can be set. */
export type TunedFormat = "jpg" | "webp" | "avif";

/** A box pictures are fitted into, by name. Classes with fit `inside` are ordered from small to large. */
export interface SizeClass {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Absent: `inside`. */
  readonly fit?: Fit;
  /** What differs from `[image]` for this class. */
  readonly quality?: Readonly<Partial<Record<TunedFormat, number>>>;
  readonly avifEffort?: number;
  readonly autoFormats?: readonly Format[];
}

export interface ImageSettings {
  /** What a `WxH` in a URL means (spec §2). */
  readonly policy: "snap" | "exact" | "classes";
  /** Boxes allowed under `exact`, as `WxH`. */
  readonly exactSizes: readonly string[];
  /** Formats `auto` may choose when the client accepts them, best first. */
  readonly autoFormats: readonly Format[];
  readonly quality: Readonly<Record<TunedFormat, number>>;
  /** For pictures up to a megapixel or two; larger ones get less (image/encoding.ts). */
  readonly avifEffort: number;
}

export interface HttpSettings {
  /** First path segment of picture URLs. */
  readonly prefix: string;
  readonly allowOrigin: string;
  /** Whether clients may have `orig`. */
  readonly originals: boolean;
  /** Whether `DPR` and `Width` of a request enlarge the box it asks for. Absent: no. */
  readonly clientHints?: boolean;
}

/** Limits an operator may lower; see `base/limits.ts` for what they bound. */
export interface TopologyLimits {
  readonly imagePixels: number;
  readonly imageAnimatedPixels: number;
  /** Of what is made, all frames together. Absent: as in `base/limits.ts`. */
  readonly imageAnimatedWebpPixels?: number;
  readonly imageAnimatedGifPixels?: number;
  readonly imageFrames: number;
  readonly imageSourceBytes: number;
  readonly imageQueue: number;
  readonly imageJobMs: number;
  /** Milliseconds a picture waits for an image worker before a larger variant is sent in its place. */
  readonly standInMs: number;
}

export interface CacheSettings {
  readonly eviction: "s3-fifo" | "lru";
  /** undefined: unused content is only evicted for room. */
  readonly expireUnusedMs: number | undefined;
}

/** Of `[routing]`, apart from what decides ownership. */
export interface RebalanceSettings {
  /** For so long after a change an owner looks among its peers for what it misses. */
  readonly windowMs: number;
  /** What moving content to its owners may take of a node's network. */
  readonly bytesPerSecond: number;
}

/** Of `[hot]`. */
export interface HotSettings {
  /** Whether this mesh copies hot content to further ranks. */
  readonly replicate: boolean;
  /** After so long without an access the score of an id has halved. */
  readonly halfLifeMs: number;
  /** Part of a cache's bytes that copies for other servers may take, 0 to 0.5. */
  readonly replicaShare: number;
}

/** The class list plus `orig`, `placeholder` and the exact boxes: every size a relname of this mesh may carry. */
export function sizeNames(topology: Pick<Topology, "sizes" | "image">): readonly string[] {
  const classes = topology.sizes.map((s) => s.name);
  return [ORIG, ...classes, ...topology.image.exactSizes, PLACEHOLDER];
}

/** The server of that name; names are unique (checked when the topology was read). */
export function serverNamed(topology: Topology, name: string): Server {
  const found = topology.levels.flatMap((l) => l.servers).find((s) => s.name === name);
  if (found === undefined) throw new Fault("internal", `no server is named ${name}`);
  return found;
}
