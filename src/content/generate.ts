/** Makes a variant from a larger one on this node's disk. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  type Facts,
  isFormat,
  ORIG,
  relnameOf,
  type Variant,
  type VariantMeta,
} from "../base/variant.ts";
import type { Reservation } from "../cache/reservation.ts";
import { boxOfSize } from "../image/fit.ts";
import { chooseSource, isLossyFormat } from "../image/plan.ts";
import type { Context } from "./context.ts";
import { remainingMs } from "./context.ts";
import { type Held, holdFile } from "./hold.ts";
import type { Parts } from "./parts.ts";
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

function cheapest(
  parts: Parts,
  options: { readonly wanted: Variant; readonly facts: Facts },
): Omit<LocalSource, "held"> | undefined {
  const { wanted, facts } = options;
  const box = boxOfSize(parts.topology, wanted.size);
  if (box === undefined || !isFormat(wanted.ext)) return undefined;
  // before they are looked at: what is found then is at least that new
  const sourceAt = parts.purged.sourceAt(wanted.id);
  const found = parts.local.variants(wanted.id);
  const chosen = chooseSource(
    found.map(({ variant, meta }) => ({
      size: variant.size,
      ext: variant.ext,
      bytes: meta.bytes,
      lossySteps: meta.lossySteps,
      box: boxOfSize(parts.topology, variant.size),
    })),
    { size: wanted.size, box, format: wanted.ext, facts },
  );
  const { variant, meta } =
    found.find((f) => f.variant.size === chosen?.size && f.variant.ext === chosen.ext) ?? {};
  return variant && meta && { variant, meta: { ...meta, sourceAt } };
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
  const { cache, images, topology, clock } = parts;
  const box = boxOfSize(topology, wanted.size);
  if (box === undefined || !isFormat(wanted.ext)) {
    throw new Fault("bad_size", "that size cannot be made");
  }
  const { quality, avifEffort } = topology.image;
  const job = {
    kind: "make",
    source: source.held.path,
    of: source.meta.relname,
    box,
    format: wanted.ext,
    quality: wanted.ext === "png" || wanted.ext === "gif" ? 100 : quality[wanted.ext],
    effort: avifEffort,
    limits: jobLimits(parts),
    ...(source.variant.size === ORIG
      ? {}
      : { picture: { width: facts.width, height: facts.height } }),
  } as const;
  const { result, target } = await intoTarget(cache, room, (path) =>
    images.run({ ...job, target: path }, { deadlineMs: remainingMs(context, clock) }),
  );
  if (result.kind !== "made") {
    throw new Fault("internal", "the image worker answered another job");
  }
  parts.counters.add("generated");
  const lossySteps = source.meta.lossySteps + (isLossyFormat(wanted.ext) ? 1 : 0);
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

export function jobLimits(parts: Parts) {
  const { limits } = parts.topology;
  return {
    pixels: limits.imagePixels,
    animatedPixels: limits.imageAnimatedPixels,
    frames: limits.imageFrames,
    sourceBytes: limits.imageSourceBytes,
    outputBytes: LIMITS.imageOutputBytesMax,
  };
}
