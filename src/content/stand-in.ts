/** What is sent when there is no image worker in time: the nearest larger variant as it is, marked (spec §6). */

import { DEADLINES } from "../base/deadlines.ts";
import type { Fault } from "../base/fault.ts";
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
import {
  canAnimate,
  canHoldAlpha,
  fitInside,
  outputSides,
  type Shape,
  shapeOfSize,
} from "../image/fit.ts";
import { isSameCrop } from "../image/plan.ts";
import type { Context } from "./context.ts";
import type { Parts } from "./parts.ts";
import type { Served } from "./served.ts";

/** What whoever asks for a format can show: browsers that take avif take webp, and all take the other three. */
const EVERYWHERE = ["jpg", "png", "gif"];
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  avif: ["avif", "webp", ...EVERYWHERE],
  webp: ["webp", ...EVERYWHERE],
};
/** Part of a short deadline that the margin before it may take. */
const MARGIN_PART = 4;

interface Candidate {
  readonly variant: Variant;
  readonly meta: VariantMeta;
  /** Of the variant; an original of unknown size counts as larger than any class. */
  readonly pixels: number;
}

/** Whether the request may be answered with another variant when this one cannot be made. */
export function mayStandIn(fault: Fault): boolean {
  return fault.code === "overloaded" || fault.code === "too_slow";
}

/** The nearest larger variant on this disk; undefined when there is none that whoever asks can show. */
export function standInFor(parts: Parts, wanted: Variant): Variant | undefined {
  if (wanted.size === ORIG || wanted.size === PLACEHOLDER) return undefined;
  const facts = parts.local.facts(wanted.id);
  const [nearest] = parts.local
    .variants(wanted.id, mayServe(parts, wanted, facts))
    .flatMap((found) => candidateOf(parts, { ...found, wanted, facts }))
    .sort(
      (a, b) =>
        a.pixels - b.pixels ||
        Number(b.variant.ext === wanted.ext) - Number(a.variant.ext === wanted.ext) ||
        a.meta.bytes - b.meta.bytes,
    );
  return nearest?.variant;
}

/**
 * The same for who asks while the image workers have more to do than they get done in time: neither a flight nor a file
 * nor the thread with the queue has anything of a job that would be refused (bench/saturation.ts).
 */
export function standInAtOnce(parts: Parts, wanted: Variant, context: Context): Served | undefined {
  const { topology } = parts;
  const shape = shapeOfSize(topology, wanted.size);
  if (context.standIns !== true || shape === undefined || !isFormat(wanted.ext)) return undefined;
  const waitMs = parts.imageWaitMs({ box: shape.box, format: wanted.ext });
  if (waitMs <= topology.limits.standInMs) return undefined;
  const instead = standInFor(parts, wanted);
  return instead && standIn(parts, { wanted, instead }, context);
}

/** Sends it, and has the right one made afterwards. undefined: it has gone meanwhile. */
export function standIn(
  parts: Parts,
  { wanted, instead }: { readonly wanted: Variant; readonly instead: Variant },
  context: Context,
): Served | undefined {
  const meta = parts.cache.look(relnameOf(instead));
  if (meta === undefined) return undefined;
  parts.counters.add("stand_in");
  parts.later.order(parts, wanted, context);
  const outcome = { source: "stand-in", via: "", collapsed: false, stored: false } as const;
  return { kind: "file", meta, outcome, path: parts.cache.pathOf(meta.relname) };
}

/** The context of who may have something to send instead: its time is over while there is still some to send that. */
export function withMargin(context: Context, nowMs: number): Context {
  const left = Math.max(0, context.deadlineAt - nowMs);
  const marginMs = Math.min(DEADLINES.imageStandInMarginMs, left / MARGIN_PART);
  return { ...context, deadlineAt: context.deadlineAt - marginMs };
}

/** Whether a variant of that name is large enough, and one that whoever asks can show. */
function mayServe({ topology }: Parts, wanted: Variant, facts: Facts | undefined) {
  const shown = SHOWN[wanted.ext] ?? EVERYWHERE;
  const to = shapeOfSize(topology, wanted.size);
  return (size: string, ext: string): boolean => {
    // a blur is no picture
    if (!shown.includes(ext) || size === PLACEHOLDER) return false;
    if (size === ORIG) return true;
    const from = shapeOfSize(topology, size);
    return (
      facts !== undefined && from !== undefined && to !== undefined && isEnough(facts, from, to)
    );
  };
}

/** Whether what comes out as one shape has the pixels that another one needs. */
function isEnough(facts: Facts, from: Shape, to: Shape): boolean {
  const has = outputSides(facts, from);
  // room around a picture is no part of it
  const needs = to.fit === "contain" ? fitInside(facts, to.box) : outputSides(facts, to);
  return has.width >= needs.width && has.height >= needs.height;
}

function candidateOf(
  { topology }: Parts,
  options: {
    readonly variant: Variant;
    readonly meta: VariantMeta;
    readonly wanted: Variant;
    readonly facts: Facts | undefined;
  },
): Candidate[] {
  const { variant, meta, wanted, facts } = options;
  if (!isFormat(variant.ext)) return [];
  if (variant.size === ORIG) {
    // where clients may not have originals they get none this way either
    if (!topology.http.originals || meta.bytes > LIMITS.standInOriginalBytesMax) return [];
    const pixels = facts === undefined ? Number.POSITIVE_INFINITY : facts.width * facts.height;
    return [{ variant, meta, pixels }];
  }
  const from = shapeOfSize(topology, variant.size);
  const to = shapeOfSize(topology, wanted.size);
  if (facts === undefined || from === undefined || to === undefined) return [];
  if (from.fit !== "inside" && !isSameCrop(from, to)) return [];
  if (!keepsLook(variant, wanted, facts)) return [];
  const has = outputSides(facts, from);
  return [{ variant, meta, pixels: has.width * has.height }];
}

/** Animation and alpha are still there where the wanted one would show them. */
function keepsLook(variant: Variant, wanted: Variant, { alpha, animated }: Facts): boolean {
  if (alpha && canHoldAlpha(wanted.ext) && !canHoldAlpha(variant.ext)) return false;
  return !(animated && canAnimate(wanted.ext) && !canAnimate(variant.ext));
}
