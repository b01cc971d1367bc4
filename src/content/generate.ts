/** Makes a variant from a larger one on this node's disk. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  type Facts,
  isFormat,
  ORIG,
  PLACEHOLDER,
  relnameOf,
  type Variant,
  type VariantMeta,
} from "../base/variant.ts";
import type { Reservation } from "../cache/reservation.ts";
import type { Demand } from "../image/demand.ts";
import { encodingOf } from "../image/encoding.ts";
import { outputSides, shapeOfSize } from "../image/fit.ts";
import type { JobLimits, MakeJob } from "../image/job.ts";
import {
  type Candidate,
  chooseSource,
  isLossyFormat,
  isSameCrop,
  type Target as Wanted,
} from "../image/plan.ts";
import { spanOf } from "../observe/trace.ts";
import { type AskersOf, type Context, remainingMs } from "./context.ts";
import { type Held, holdFile } from "./hold.ts";
import type { Parts } from "./parts.ts";
import { publishedDigest } from "./sound.ts";
import { standInFor } from "./stand-in.ts";
import { intoTarget, type Target } from "./target.ts";

/** A variant on this node's disk that another one can be made from. */
export interface LocalSource {
  readonly variant: Variant;
  readonly meta: VariantMeta;
  readonly held: Held;
}

export interface Made {
  readonly meta: VariantMeta;
  readonly target: Target;
}

/** Sources that vanish between choosing and holding, before the search is given up. */
const SOURCES_TRIED_MAX = 4;

/** The cheapest sufficient variant on disk (spec §6), held for whoever makes something of it; or undefined. */
export function localSource(
  parts: Parts,
  options: { readonly wanted: Variant; readonly facts: Facts },
): LocalSource | undefined {
  for (let tried = 0; tried < SOURCES_TRIED_MAX; tried++) {
    const chosen = cheapest(parts, options);
    if (chosen === undefined) return undefined;
    const held = holdFile(parts.cache, chosen.meta.relname);
    if (held !== undefined) return { ...chosen, held };
  }
  return undefined;
}

/** The same, not held. */
export function cheapest(
  parts: Parts,
  options: { readonly wanted: Variant; readonly facts: Facts },
): Omit<LocalSource, "held"> | undefined {
  const { wanted, facts } = options;
  const target = targetOf(parts, wanted, facts);
  if (target === undefined) return undefined;
  // before they are looked at: what is found then is at least that new
  const sourceAt = parts.purged.sourceAt(wanted.id);
  const sources = parts.local.variants(wanted.id).map(({ variant, meta }) => ({
    ...candidateOf(parts, { ...variant, bytes: meta.bytes, lossySteps: meta.lossySteps }, "local"),
    variant,
    meta: { ...meta, sourceAt },
  }));
  const chosen = chooseSource(sources, target);
  return chosen && { variant: chosen.variant, meta: chosen.meta };
}

/** What is to be made, for the planner; undefined where it is no variant of this topology. */
export function targetOf({ topology }: Parts, wanted: Variant, facts: Facts): Wanted | undefined {
  const shape = shapeOfSize(topology, wanted.size);
  if (shape === undefined || !isFormat(wanted.ext)) return undefined;
  return { size: wanted.size, shape, format: wanted.ext, facts };
}

export function candidateOf(
  { topology }: Parts,
  what: Pick<Candidate, "size" | "ext" | "bytes" | "lossySteps">,
  place: Candidate["place"],
): Candidate {
  const { size, ext, bytes, lossySteps } = what;
  return { size, ext, bytes, lossySteps, shape: shapeOfSize(topology, size), place };
}

/** Runs the image job; the result is a temporary file that the caller publishes or disposes. */
export async function generate(
  parts: Parts,
  context: Context,
  options: {
    readonly wanted: Variant;
    readonly facts: Facts;
    readonly source: LocalSource;
    /** With which it is to be published. */
    readonly room?: Reservation | undefined;
  },
): Promise<Made> {
  const { wanted, facts, source, room } = options;
  const { cache, images, clock } = parts;
  const job = jobOf(parts, options);
  using askers = context.askers?.();
  const { tracing } = context;
  const traced = tracing === undefined ? {} : { traceparent: tracing.traceparent };
  const demand = { ...demandOf(parts, context, wanted), ...signalsOf(askers), ...traced };
  const askedMs = clock.monotonicMs();
  const { result, target } = await spanOf(tracing, "generate", () =>
    intoTarget(cache, room, (path) =>
      images.run({ ...job, target: path }, { ...demand, deadlineMs: remainingMs(context, clock) }),
    ),
  );
  if (result.kind !== "made") {
    throw new Fault("internal", "the image worker answered another job");
  }
  tracing?.add("queue", result.queuedMs ?? 0);
  parts.counters.add("generated");
  const tookMs = clock.monotonicMs() - askedMs;
  context.story?.made({ of: source.meta.relname, tookMs, queueMs: result.queuedMs });
  const lossySteps = source.meta.lossySteps + (isLossyFormat(job.format) ? 1 : 0);
  const meta: VariantMeta = {
    relname: relnameOf(wanted),
    bytes: result.bytes,
    validator: result.digest,
    modified: clock.wallSeconds(),
    facts,
    lossySteps,
    sourceAt: source.meta.sourceAt,
  };
  return { meta, target };
}

/** Who has a larger variant at hand is not kept waiting for long. */
function demandOf(
  parts: Parts,
  { later = false, standIns = false }: Context,
  wanted: Variant,
): Pick<Demand, "later" | "patienceMs"> {
  if (later) return { later };
  const patient = !standIns || standInFor(parts, wanted) === undefined;
  return patient ? {} : { patienceMs: parts.topology.limits.standInMs };
}

function signalsOf(askers: ReturnType<AskersOf> | undefined): Pick<Demand, "gone" | "hurry"> {
  const { gone, hurry } = askers ?? {};
  return { ...(gone && { gone }), ...(hurry && { hurry }) };
}

function jobOf(
  parts: Parts,
  options: { readonly wanted: Variant; readonly facts: Facts; readonly source: LocalSource },
): Omit<MakeJob, "target"> {
  const { wanted, facts, source } = options;
  const { topology } = parts;
  const target = targetOf(parts, wanted, facts);
  if (target === undefined) throw new Fault("bad_size", "that size cannot be made");
  const { shape, format } = target;
  const from = shapeOfSize(topology, source.variant.size);
  const picture = { width: facts.width, height: facts.height };
  const sourceDigest = publishedDigest(parts.cache, source.meta);
  return {
    kind: "make",
    id: wanted.id,
    source: source.held.path,
    of: source.meta.relname,
    ...shape,
    cropped: from !== undefined && isSameCrop(from, shape),
    format,
    ...encodingOf(topology, { size: wanted.size, format }, outputSides(facts, shape)),
    ...(wanted.size === PLACEHOLDER ? { bytesMax: LIMITS.placeholderBytesMax } : {}),
    limits: jobLimits(parts),
    shows: facts,
    ...(sourceDigest && { sourceDigest }),
    ...(source.variant.size === ORIG ? {} : { picture }),
  };
}

export function jobLimits(parts: Parts): JobLimits {
  const { limits } = parts.topology;
  return {
    pixels: limits.imagePixels,
    animatedPixels: limits.imageAnimatedPixels,
    animatedWebpPixels: limits.imageAnimatedWebpPixels ?? LIMITS.imageAnimatedWebpPixelsMax,
    animatedGifPixels: limits.imageAnimatedGifPixels ?? LIMITS.imageAnimatedGifPixelsMax,
    frames: limits.imageFrames,
    sourceBytes: limits.imageSourceBytes,
    outputBytes: LIMITS.imageOutputBytesMax,
  };
}
