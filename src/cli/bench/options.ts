/** The command line of `mir bench`, parsed into a plan. */

import { isFormat, ORIG } from "../../base/variant.ts";
import { sizeNames, type Topology } from "../../topology/topology.ts";
import { parseDuration, UsageError } from "../usage.ts";
import { BENCH_LIMITS, BENCH_WAITS } from "./bounds.ts";
import { packIds } from "./id-pack.ts";
import { idsOfOrigin, idsOfPhotos, readIds } from "./ids.ts";
import { parseNumber, parseRate, parseShare, parseWeights, parseWhole } from "./numbers.ts";
import type { LoadPlan, Target, Variant } from "./plan.ts";
import { parseAddress, readTargets } from "./targets.ts";

/** Pages show lists of small pictures, and one at a time larger. */
const USUAL_SIZES = "xs=1,sm=3,md=3,lg=1";

export const BENCH_ARGS = {
  topology: { type: "string", description: "ask all public listeners of level 0 of this topology" },
  ids: {
    type: "string",
    description: "file with a web id, path or URL a line, or ids with commas; most popular first",
  },
  photos: { type: "string", description: "a folder: the ids mir demo --photos gives its pictures" },
  rate: {
    type: "string",
    description: "requests a second that are due, answered or not",
    default: "1000",
  },
  closed: {
    type: "boolean",
    description: "a closed loop instead: each connection as fast as it can",
  },
  connections: { type: "string", description: "over all threads", default: "64" },
  threads: { type: "string", description: "that send and receive", default: "1" },
  duration: { type: "string", description: "time that is measured (default: 10s)" },
  count: { type: "string", description: "requests that are measured, in place of a duration" },
  ramp: { type: "string", description: "time before, in which the rate rises", default: "0" },
  zipf: { type: "string", description: "exponent of popularity; 0: all alike", default: "0.9" },
  sizes: {
    type: "string",
    description: `sizes and their weights (default: ${USUAL_SIZES}, of a topology those it has)`,
  },
  formats: { type: "string", description: "formats and their weights", default: "jpg" },
  misses: { type: "string", description: "share that asks for ids nobody has", default: "0" },
  timeout: { type: "string", description: "when an answer is given up", default: "30s" },
  prefix: {
    type: "string",
    description: "first segment of picture URLs (default: the topology's)",
  },
  // of the first few the one whose Poisson schedule keeps closest to its mean
  seed: { type: "string", description: "the same load again for the same number", default: "3" },
  upload: { type: "string", description: "uploads a second beside it, with MIR_UPLOAD_KEY" },
  json: { type: "boolean", description: "for machines: one JSON document" },
  compare: { type: "string", description: "an earlier --json; worse than that is exit code 1" },
  tolerance: { type: "string", description: "what is worse by less is the same", default: "10%" },
  target: {
    type: "positional",
    description:
      "one or more of http://host:port or unix:/path.sock; without any and without --topology, " +
      "a small mesh is started here, measured by the canonical load, and ended",
    required: false,
  },
} as const;

export interface BenchFlags {
  readonly _: readonly string[];
  readonly topology?: string | undefined;
  readonly ids?: string | undefined;
  readonly photos?: string | undefined;
  readonly rate: string;
  readonly closed?: boolean | undefined;
  readonly connections: string;
  readonly threads: string;
  readonly duration?: string | undefined;
  readonly count?: string | undefined;
  readonly ramp: string;
  readonly zipf: string;
  readonly sizes?: string | undefined;
  readonly formats: string;
  readonly misses: string;
  readonly timeout: string;
  readonly prefix?: string | undefined;
  readonly seed: string;
}

const SIZE = /^(?:[a-z][a-z0-9_-]{0,31}|[1-9][0-9]{0,3}x[1-9][0-9]{0,3})$/;
const BOX = /^[1-9]/;
const FORMAT = /^[a-z]+$/;
const PREFIX = /^[A-Za-z0-9._~-]+$/;
const DEFAULT_PREFIX = "puddle";
const DEFAULT_DURATION_MS = 10_000;

/** Throws a UsageError for what is wrong on the command line, a Fault for files that are. */
export function parsePlan(flags: BenchFlags): LoadPlan {
  const { targets, ids, prefix, usualSizes, site } = whatIsAsked(flags);
  const pack = packIds(ids);
  const { requestsPerSecondMax, zipfMax } = BENCH_LIMITS;
  const threads = parseThreads(flags.threads);
  return {
    groups: targets.map((target) => ({ target, ids: pack })),
    prefix,
    variants: parseVariants(flags.sizes ?? usualSizes, flags.formats, site),
    zipf: parseNumber(flags.zipf, { flag: "zipf", min: 0, max: zipfMax }),
    misses: parseShare(flags.misses, "misses"),
    connections: parseConnections(flags.connections, Math.max(threads, targets.length)),
    threads,
    perSecond: flags.closed
      ? undefined
      : parseRate(flags.rate, { flag: "rate", min: 0.1, max: requestsPerSecondMax }),
    rampMs: parseSpan(flags.ramp, "ramp", 0),
    ...parseExtent(flags),
    answerMs: parseSpan(flags.timeout, "timeout", BENCH_WAITS.tickMs),
    seed: parseWhole(flags.seed, { flag: "seed", min: 0, max: 2 ** 32 - 1 }),
  };
}

export interface CanonicalFlags {
  readonly threads: number;
  readonly connections: number;
  readonly durationMs: number;
}

/** What the canonical workload leaves open. */
const CANONICAL_FLAGS: readonly string[] = [
  ...["photos", "threads", "connections", "duration", "json", "compare", "tolerance"],
];

/** `rawArgs` tell what was said and what is a default. Throws a UsageError. */
export function parseCanonical(flags: BenchFlags, rawArgs: readonly string[]): CanonicalFlags {
  for (const arg of rawArgs) {
    const flag = /^--(?:no-)?([^=]+)/.exec(arg)?.[1];
    if (flag === undefined || CANONICAL_FLAGS.includes(flag)) continue;
    throw new UsageError(`--${flag} needs a target: http://host:port, unix:/path or --topology`);
  }
  const { threads, connections, duration } = flags;
  return {
    threads: parseThreads(threads),
    connections: parseConnections(connections, parseThreads(threads)),
    durationMs: duration === undefined ? DEFAULT_DURATION_MS : parseSpan(duration, "duration", 1),
  };
}

interface WhatIsAsked {
  readonly targets: readonly Target[];
  readonly ids: readonly string[];
  readonly prefix: string;
  /** As `--sizes`. */
  readonly usualSizes: string;
  /** undefined where it is not known. */
  readonly site?: Pick<Topology, "sizes" | "image">;
}

function whatIsAsked(flags: BenchFlags): WhatIsAsked {
  const addresses = flags._.map(parseAddress);
  if (addresses.length > BENCH_LIMITS.targetsMax) {
    throw new UsageError(`more than ${BENCH_LIMITS.targetsMax} targets`);
  }
  const [first, ...others] = addresses;
  if (first !== undefined && flags.topology !== undefined) {
    throw new UsageError("a target or --topology, not both");
  }
  const ids = givenIds(flags);
  const prefix = flags.prefix;
  if (prefix !== undefined && !PREFIX.test(prefix)) {
    throw new UsageError(`--prefix ${prefix}: expected A-Z a-z 0-9 . _ ~ -`);
  }
  if (flags.topology !== undefined) {
    const { topology, targets } = readTargets(flags.topology);
    const found = ids ?? idsOfOrigin(topology);
    if (found === undefined)
      throw new UsageError(`${NO_IDS}, as the topology has no folder as origin here`);
    return {
      ...{ targets, ids: found },
      prefix: prefix ?? topology.http.prefix,
      usualSizes: usualSizesOf(topology),
      site: topology,
    };
  }
  if (first === undefined) throw new UsageError(NO_TARGET);
  const { path } = first;
  if (others.some((other) => other.path !== path)) {
    throw new UsageError("several targets are asked for the same: the same path, or none");
  }
  if (path !== undefined && ids !== undefined) {
    throw new UsageError(
      "a URL with a path is all that is asked for: leave out --ids and --photos",
    );
  }
  const found = path === undefined ? ids : [path];
  if (found === undefined) throw new UsageError(`${NO_IDS}, or give a whole URL`);
  return {
    targets: addresses.map(({ target }) => target),
    ids: found,
    prefix: prefix ?? DEFAULT_PREFIX,
    usualSizes: USUAL_SIZES,
  };
}

/** Those of the usual ones that the site has; where it has none, each of its own as often as the others. */
function usualSizesOf({ sizes }: Pick<Topology, "sizes">): string {
  const names = sizes.map(({ name }) => name);
  const usual = USUAL_SIZES.split(",").filter((one) => names.includes(one.split("=", 1)[0] ?? ""));
  if (usual.length > 0) return usual.join(",");
  return names.length > 0 ? names.map((name) => `${name}=1`).join(",") : `${ORIG}=1`;
}

const NO_TARGET = "say whom to ask: http://host:port, unix:/path.sock or --topology FILE";
const NO_IDS = "say what to ask for: --ids FILE or --photos DIR";

function givenIds({ ids, photos }: BenchFlags): readonly string[] | undefined {
  if (ids !== undefined && photos !== undefined)
    throw new UsageError("--ids or --photos, not both");
  if (ids !== undefined) return readIds(ids);
  return photos === undefined ? undefined : idsOfPhotos(photos);
}

function parseVariants(
  sizesText: string,
  formatsText: string,
  site: WhatIsAsked["site"],
): Variant[] {
  const sizes = parseWeights(sizesText, { flag: "sizes", name: SIZE });
  if (site !== undefined) refuseUnknown([...sizes.keys()], site);
  const formats = parseWeights(formatsText, { flag: "formats", name: FORMAT });
  for (const format of formats.keys()) {
    if (format !== "auto" && !isFormat(format)) {
      throw new UsageError(`--formats ${formatsText}: ${format} is no format`);
    }
  }
  const variants = [...sizes].flatMap(([size, much]) =>
    [...formats].map(([format, often]) => ({ size, format, weight: much * often })),
  );
  if (variants.length > BENCH_LIMITS.variantsMax) {
    throw new UsageError(`more than ${BENCH_LIMITS.variantsMax} variants of sizes and formats`);
  }
  return variants;
}

/** Any box will do where the next class is taken for it. */
function refuseUnknown(sizes: readonly string[], site: Pick<Topology, "sizes" | "image">): void {
  const names = sizeNames(site);
  const anyBox = site.image.policy === "snap";
  const unknown = sizes.find((one) => !names.includes(one) && !(anyBox && BOX.test(one)));
  if (unknown === undefined) return;
  throw new UsageError(`--sizes ${unknown}: the topology has ${names.join(", ")}`);
}

function parseExtent(flags: BenchFlags): Pick<LoadPlan, "durationMs" | "count"> {
  const { duration, count } = flags;
  if (duration !== undefined && count !== undefined) {
    throw new UsageError("--duration or --count, not both");
  }
  if (count !== undefined) {
    const max = BENCH_LIMITS.countMax;
    return { durationMs: undefined, count: parseWhole(count, { flag: "count", min: 1, max }) };
  }
  const durationMs =
    duration === undefined ? DEFAULT_DURATION_MS : parseSpan(duration, "duration", 1);
  return { durationMs, count: undefined };
}

function parseThreads(text: string): number {
  return parseWhole(text, { flag: "threads", min: 1, max: BENCH_LIMITS.threadsMax });
}

/** At least one for each thread and each listener. */
function parseConnections(text: string, least: number): number {
  return parseWhole(text, { flag: "connections", min: least, max: BENCH_LIMITS.connectionsMax });
}

function parseSpan(text: string, flag: string, leastMs: number): number {
  const ms = parseDuration(text, flag);
  if (ms >= leastMs && ms <= BENCH_LIMITS.runMsMax) return ms;
  throw new UsageError(
    `--${flag} ${text}: expected ${leastMs}ms to ${BENCH_LIMITS.runMsMax / 60_000}m`,
  );
}
