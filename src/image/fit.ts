/** Boxes and the pictures in them: how large a variant comes out, and what it is called (spec §2). */

import { type Facts, type Format, isFormat, ORIG, type Variant } from "../base/variant.ts";
import type { Topology } from "../topology/topology.ts";

/** Pixels; both at least 1. */
export interface Sides {
  readonly width: number;
  readonly height: number;
}

/** Bytes a pixel that a variant takes at the usual qualities, on the high side. */
const BYTES_PER_PIXEL: Readonly<Record<Format, number>> = {
  jpg: 0.4,
  webp: 0.35,
  avif: 0.3,
  png: 3,
  gif: 1,
};
/** Frames that an animation is taken to have when bytes are set aside for it; the facts do not count them. */
const ANIMATION_FRAMES = 10;
const HEADER_BYTES = 4096;

/**
 * The picture shrunk to lie inside the box, never enlarged: rounded as libvips rounds when sharp is
 * told `fit: "inside", withoutEnlargement: true`. A picture of unknown size is taken to fill the box.
 */
export function fitInside(picture: Sides, box: Sides): Sides {
  const { width, height } = picture;
  if (width === 0 || height === 0) return box;
  const shrink = Math.max(1, width / box.width, height / box.height);
  return { width: shrunk(width, shrink), height: shrunk(height, shrink) };
}

/** The box of a class or exact size; undefined for `orig` and for what this topology does not list. */
export function boxOfSize(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
): Sides | undefined {
  const found = topology.sizes.find((s) => s.name === size);
  if (found !== undefined) return { width: found.width, height: found.height };
  if (!topology.image.exactSizes.includes(size)) return undefined;
  const [width = 0, height = 0] = size.split("x").map(Number);
  return { width, height };
}

/**
 * The size a variant is kept under: a class or box that would not shrink the picture resolves to the
 * smallest class that holds it whole (spec §2), so that equal bytes have one name. Itself when it
 * shrinks, when no class holds the picture, for `orig`, and while the picture's size is unknown.
 */
export function canonicalSize(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
  facts: Sides,
): string {
  const box = size === ORIG ? undefined : boxOfSize(topology, size);
  if (box === undefined || facts.width === 0 || !holds(box, facts)) return size;
  return topology.sizes.find((candidate) => holds(candidate, facts))?.name ?? size;
}

/**
 * Bytes to set aside in the cache before a variant is made. An estimate: what turns out larger must
 * grow its reservation.
 */
export function outputBytesEstimate(
  topology: Pick<Topology, "sizes" | "image">,
  wanted: Variant,
  facts: Facts,
): number {
  const box = boxOfSize(topology, wanted.size);
  if (box === undefined || !isFormat(wanted.ext)) return HEADER_BYTES;
  const { width, height } = fitInside(facts, box);
  const frames = facts.animated && canAnimate(wanted.ext) ? ANIMATION_FRAMES : 1;
  const alpha = facts.alpha && canHoldAlpha(wanted.ext) ? 4 / 3 : 1;
  return HEADER_BYTES + Math.ceil(width * height * frames * alpha * BYTES_PER_PIXEL[wanted.ext]);
}

/** Formats whose variants keep the frames of an animation. */
export function canAnimate(ext: string): boolean {
  return ext === "gif" || ext === "webp";
}

export function canHoldAlpha(ext: string): boolean {
  return ext !== "jpg";
}

function holds(box: Sides, picture: Sides): boolean {
  return box.width >= picture.width && box.height >= picture.height;
}

/**
 * Never below 1: libvips does not shrink an axis more than its own length. sharp hands on the scale
 * and libvips takes its inverse again; done in fewer steps, one exact half in fifty rounds otherwise.
 */
function shrunk(side: number, shrink: number): number {
  const scale = 1 / Math.min(shrink, side);
  return Math.floor(side / (1 / scale) + 0.5);
}
