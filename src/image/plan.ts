/** Which of the variants at hand a wanted one is made from: the cheapest that is sufficient (spec §6). */

import { type Facts, type Format, ORIG } from "../base/variant.ts";
import { canAnimate, canHoldAlpha, fitInside, type Sides } from "./fit.ts";

/** A variant that is at hand. */
export interface Candidate {
  readonly size: string;
  readonly ext: string;
  readonly bytes: number;
  /** Lossy encodings between the original and it. */
  readonly lossySteps: number;
  /** undefined for the original. */
  readonly box: Sides | undefined;
}

/** The variant to be made, and the picture it is of. */
export interface Target {
  readonly size: string;
  readonly box: Sides;
  readonly format: Format;
  readonly facts: Facts;
}

/** Spec §6 (a): a lossy source must be this much larger, so that its artefacts are averaged away. */
const LOSSY_MARGIN = 1.5;
/** Spec §6 (d), of the source; what is made of it may be one further step away. */
const LOSSY_STEPS_MAX = 1;

/** Time to decode a pixel of a 2048x1536 photograph, relative to JPEG. What is not listed cannot be. */
const DECODE_COST: Readonly<Partial<Record<string, number>>> = {
  jpg: 1,
  png: 2,
  webp: 4,
  avif: 8,
  gif: 1.5,
};
/** The part of decoding a JPEG that shrink-on-load does not save: the entropy coding. */
const JPEG_FIXED_PART = 0.4;
/** libjpeg's largest shrink-on-load. */
const JPEG_SHRINK_MAX = 8;

/** GIF counts: 256 colours are a loss to a photograph. */
export function isLossyFormat(format: Format): boolean {
  return format !== "png";
}

/** The cheapest sufficient candidate by pixels to decode, then the one nearer to the original, then the smaller. */
export function chooseSource<C extends Candidate>(
  candidates: readonly C[],
  target: Target,
): C | undefined {
  const [best] = candidates
    .filter((candidate) => isSufficient(candidate, target))
    .map((candidate) => ({ candidate, cost: decodeCost(candidate, target) }))
    .sort(
      (a, b) =>
        compare(a.cost, b.cost) ||
        a.candidate.lossySteps - b.candidate.lossySteps ||
        a.candidate.bytes - b.candidate.bytes,
    );
  return best?.candidate;
}

/**
 * Spec §6 (a) to (d). The original always is; a variant of the target's own size never is. (b) holds
 * for every variant there is: nothing is ever cropped.
 */
export function isSufficient(source: Candidate, target: Target): boolean {
  if (source.size === ORIG) return true;
  if (source.size === target.size || source.box === undefined) return false;
  // how large the variants really are is only known with the true aspect ratio
  if (target.facts.width === 0) return false;
  return (
    hasPixels(source, source.box, target) &&
    keepsLook(source, target) &&
    source.lossySteps <= LOSSY_STEPS_MAX
  );
}

function hasPixels(source: Candidate, box: Sides, target: Target): boolean {
  const margin = source.lossySteps > 0 ? LOSSY_MARGIN : 1;
  const has = fitInside(target.facts, box);
  const needs = fitInside(target.facts, target.box);
  return has.width >= needs.width * margin && has.height >= needs.height * margin;
}

/** (c): animation and alpha are still there where the target can show them, and more than 256 colours. */
function keepsLook(source: Candidate, { format, facts }: Target): boolean {
  if (source.ext === "gif") return format === "gif";
  if (facts.alpha && canHoldAlpha(format) && !canHoldAlpha(source.ext)) return false;
  return !(facts.animated && canAnimate(format) && !canAnimate(source.ext));
}

/** In pixels of a JPEG decoded at full size. An original that cannot be decoded comes last. */
function decodeCost(source: Candidate, { facts, box }: Target): number {
  const weight = DECODE_COST[source.ext];
  if (weight === undefined) return Number.POSITIVE_INFINITY;
  const { width, height } = source.box === undefined ? facts : fitInside(facts, source.box);
  const pixels = width * height * weight;
  if (source.ext !== "jpg" || pixels === 0) return pixels;
  const needs = fitInside(facts, box);
  const shrink = shrinkOnLoad(Math.min(width / needs.width, height / needs.height));
  return pixels * (JPEG_FIXED_PART + (1 - JPEG_FIXED_PART) / shrink ** 2);
}

/** The largest of 1, 2, 4, 8 that is no more than `ratio`. */
function shrinkOnLoad(ratio: number): number {
  let shrink = 1;
  while (shrink < JPEG_SHRINK_MAX && shrink * 2 <= ratio) shrink *= 2;
  return shrink;
}

/** Infinity minus itself is not a number, so the difference will not do. */
function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
