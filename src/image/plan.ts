/** Which of the pictures in reach a wanted variant is made from: the cheapest that is sufficient (spec §6). */

import { type Facts, type Format, ORIG, PLACEHOLDER } from "../base/variant.ts";
import { canAnimate, canHoldAlpha, fitInside, outputSides, type Shape, type Sides } from "./fit.ts";

/** Where a picture lies, seen from the node that makes something of it. */
export type Place = "local" | "peer" | "origin";

/** A picture that is known to exist. */
export interface Candidate {
  readonly size: string;
  readonly ext: string;
  readonly bytes: number;
  /** Lossy encodings between the original and it. */
  readonly lossySteps: number;
  /** undefined for the original. */
  readonly shape: Shape | undefined;
  readonly place: Place;
}

/** The variant to be made, and the picture it is of. */
export interface Target {
  readonly size: string;
  readonly shape: Shape;
  readonly format: Format;
  readonly facts: Facts;
}

export type Plan<C extends Candidate> =
  | { readonly kind: "make"; readonly from: C }
  /** The next level is asked for the variant itself: it moves no more than that. */
  | { readonly kind: "ask" }
  | { readonly kind: "nothing" };

/** Spec §6 (a): a lossy source must be this much larger, so that its artefacts are averaged away. */
const LOSSY_MARGIN = 1.5;
/** Spec §6 (d), of the source; what is made of it may be one further step away. */
const LOSSY_STEPS_MAX = 1;

/** Milliseconds a megapixel takes one core to decode, of photographs. What is not listed cannot be decoded. */
const DECODE_MS: Readonly<Partial<Record<string, number>>> = {
  jpg: 10,
  png: 11,
  webp: 16,
  avif: 33,
  gif: 8,
};
/** What is left of that however much smaller a picture is decoded: the entropy coding. */
const FIXED_PART: Readonly<Partial<Record<string, number>>> = { jpg: 0.6, webp: 0.6 };
/** libjpeg decodes at a half, a quarter or an eighth of the size, libwebp at any. */
const JPEG_SHRINK_MAX = 8;
/** Milliseconds until the first byte from there, and for each megabyte. */
const MOVE_MS: Readonly<Record<Place, { readonly first: number; readonly megabyte: number }>> = {
  local: { first: 0, megabyte: 1 },
  peer: { first: 2, megabyte: 10 },
  origin: { first: 60, megabyte: 40 },
};

/** GIF counts: 256 colours are a loss to a photograph. */
export function isLossyFormat(format: Format): boolean {
  return format !== "png";
}

/**
 * What is here comes first, then the next level where there is one: it makes the variant, or has it, and only that is
 * moved (spec §1 steps 4 and 5). The last level chooses among what its peers have and the origin's original, by cost.
 */
export function planVariant<C extends Candidate>(
  target: Target,
  known: { readonly sources: readonly C[]; readonly isLowest: boolean },
): Plan<C> {
  const here = chooseSource(
    known.sources.filter(({ place }) => place === "local"),
    target,
  );
  if (here !== undefined) return { kind: "make", from: here };
  if (!known.isLowest) return { kind: "ask" };
  const from = chooseSource(known.sources, target);
  return from === undefined ? { kind: "nothing" } : { kind: "make", from };
}

/** The cheapest sufficient candidate, then the one nearer to the original, then the smaller. */
export function chooseSource<C extends Candidate>(
  candidates: readonly C[],
  target: Target,
): C | undefined {
  const [best] = candidates
    .filter((candidate) => isSufficient(candidate, target))
    .map((candidate) => ({ candidate, cost: costMs(candidate, target) }))
    .sort(
      (a, b) =>
        compare(a.cost, b.cost) ||
        a.candidate.lossySteps - b.candidate.lossySteps ||
        a.candidate.bytes - b.candidate.bytes,
    );
  return best?.candidate;
}

/** Spec §6 (a) to (d). The original always is; a placeholder never is. */
export function isSufficient(source: Candidate, target: Target): boolean {
  if (source.size === ORIG) return true;
  const { shape } = source;
  if (shape === undefined || source.size === PLACEHOLDER) return false;
  if (source.size === target.size && source.ext === target.format) return false;
  // how large the variants really are is only known with the true aspect ratio
  if (target.facts.width === 0) return false;
  return (
    showsEnough(shape, target) &&
    hasPixels(source, shape, target) &&
    keepsLook(source, target) &&
    source.lossySteps <= LOSSY_STEPS_MAX
  );
}

/** Whether what is made of that shape is a smaller copy of it: already the crop, or the frame, that is wanted. */
export function isSameCrop(source: Shape, target: Shape): boolean {
  if (source.fit !== target.fit || source.fit === "inside") return false;
  const [a, b] = [source.box, target.box];
  // room around a picture is a matter of the very box
  if (source.fit === "contain") return a.width === b.width && a.height === b.height;
  return a.width * b.height === a.height * b.width;
}

/** (b): nothing was cut from it, or just that. */
function showsEnough(source: Shape, { shape }: Target): boolean {
  return source.fit === "inside" || isSameCrop(source, shape);
}

/** (a) */
function hasPixels(source: Candidate, shape: Shape, target: Target): boolean {
  const margin = source.lossySteps > 0 ? LOSSY_MARGIN : 1;
  const has = outputSides(target.facts, shape);
  const needs = neededSides(shape, target);
  return has.width >= needs.width * margin && has.height >= needs.height * margin;
}

/** How large the source must be, be it the whole picture or the crop. */
function neededSides(source: Shape, { facts, shape }: Target): Sides {
  if (source.fit !== "inside") return outputSides(facts, shape);
  if (shape.fit !== "cover") return fitInside(facts, shape.box);
  const piece = outputSides(facts, shape);
  const scale = Math.max(piece.width / facts.width, piece.height / facts.height);
  return { width: Math.round(facts.width * scale), height: Math.round(facts.height * scale) };
}

/** (c): animation and alpha are still there where the target can show them, and more than 256 colours. */
function keepsLook(source: Candidate, { size, format, facts }: Target): boolean {
  if (source.ext === "gif") return format === "gif";
  if (facts.alpha && canHoldAlpha(format) && !canHoldAlpha(source.ext)) return false;
  const moves = facts.animated && canAnimate(format) && size !== PLACEHOLDER;
  return !(moves && !canAnimate(source.ext));
}

/** Estimated milliseconds until the pixels are there. What cannot be decoded comes last. */
function costMs(source: Candidate, target: Target): number {
  const { first, megabyte } = MOVE_MS[source.place];
  return first + (megabyte * source.bytes) / 1e6 + decodeMs(source, target);
}

function decodeMs({ ext, shape }: Candidate, { facts, shape: wanted }: Target): number {
  const perMegapixel = DECODE_MS[ext];
  if (perMegapixel === undefined) return Number.POSITIVE_INFINITY;
  const { width, height } = shape === undefined ? facts : outputSides(facts, shape);
  const fullMs = (width * height * perMegapixel) / 1e6;
  const fixed = FIXED_PART[ext] ?? 1;
  if (fullMs === 0 || fixed === 1) return fullMs;
  const needs = outputSides(facts, wanted);
  const ratio = Math.max(1, Math.min(width / needs.width, height / needs.height));
  const shrink = ext === "jpg" ? shrinkOnLoad(ratio) : ratio;
  return fullMs * (fixed + (1 - fixed) / shrink ** 2);
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
