/** Boxes and the pictures in them: how large a variant comes out, and what it is called (spec §2). */

import { LIMITS } from "../base/limits.ts";
import {
  type Facts,
  type Format,
  isFormat,
  ORIG,
  PLACEHOLDER,
  type Variant,
} from "../base/variant.ts";
import type { Fit, Topology } from "../topology/topology.ts";

/** Pixels; both at least 1. */
export interface Sides {
  readonly width: number;
  readonly height: number;
}

/** What a size asks for: a box, and how the picture comes into it. */
export interface Shape {
  readonly box: Sides;
  readonly fit: Fit;
}

/** Enough to tell sky from sea once a browser has smoothed it. */
const PLACEHOLDER_SHAPE: Shape = { box: { width: 32, height: 32 }, fit: "inside" };

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

/** How large a picture comes out; as the shape says while its size is unknown. Never enlarged, nor is its crop. */
export function outputSides(picture: Sides, { box, fit }: Shape): Sides {
  if (fit === "contain" || picture.width === 0) return box;
  // the largest piece of the box's shape that lies inside the picture
  return fit === "cover" ? fitInside(box, picture) : fitInside(picture, box);
}

/** Of a class, exact size or placeholder; undefined for `orig` and for what this topology does not list. */
export function shapeOfSize(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
): Shape | undefined {
  return shapesOf(topology).get(size);
}

/** A shape in words, for two nodes, or two starts of one, to compare; of `orig` its name. */
export function shapeText(topology: Pick<Topology, "sizes" | "image">, size: string): string {
  const shape = shapeOfSize(topology, size);
  return shape === undefined ? size : `${shape.box.width}x${shape.box.height} ${shape.fit}`;
}

/** All of a topology, by the list of its classes: they are looked up for every variant that might do. */
const known = new WeakMap<Topology["sizes"], Shapes>();

interface Shapes {
  readonly image: Topology["image"];
  readonly bySize: ReadonlyMap<string, Shape>;
}

function shapesOf({ sizes, image }: Pick<Topology, "sizes" | "image">): Shapes["bySize"] {
  const before = known.get(sizes);
  if (before?.image === image) return before.bySize;
  const bySize = new Map<string, Shape>();
  for (const size of image.exactSizes) {
    const [width = 0, height = 0] = size.split("x").map(Number);
    bySize.set(size, { box: { width, height }, fit: "inside" });
  }
  bySize.set(PLACEHOLDER, PLACEHOLDER_SHAPE);
  for (const { name, width, height, fit = "inside" } of sizes) {
    bySize.set(name, { box: { width, height }, fit });
  }
  known.set(sizes, { image, bySize });
  return bySize;
}

/**
 * The size a variant is kept under: a class or box that would not shrink the picture resolves to the
 * smallest class that holds it whole (spec §2), so that equal bytes have one name. Itself when it
 * shrinks, when no class holds the picture, for `orig`, crops and the like, and while the picture's size is unknown.
 */
export function canonicalSize(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
  facts: Sides,
): string {
  if (size === ORIG || size === PLACEHOLDER || facts.width === 0) return size;
  const shape = shapeOfSize(topology, size);
  if (shape?.fit !== "inside" || !holds(shape.box, facts)) return size;
  return topology.sizes.find((s) => isWhole(s) && holds(s, facts))?.name ?? size;
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
  if (wanted.size === PLACEHOLDER) return LIMITS.placeholderBytesMax;
  const shape = shapeOfSize(topology, wanted.size);
  if (shape === undefined || !isFormat(wanted.ext)) return HEADER_BYTES;
  const { width, height } = outputSides(facts, shape);
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

/** Classes whose pictures nothing is cut from or put around. */
function isWhole({ fit }: { readonly fit?: Fit }): boolean {
  return fit === undefined || fit === "inside";
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
