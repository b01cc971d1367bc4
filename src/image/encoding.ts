/** How a variant is encoded: quality and effort by class, format and the pixels there are (spec §6). */

import type { Format } from "../base/variant.ts";
import type { Topology } from "../topology/topology.ts";
import type { Sides } from "./fit.ts";

export interface Encoding {
  /** 1 to 100; jpg, webp and avif use it. */
  readonly quality: number;
  /** 0 to 9; avif uses it. */
  readonly effort: number;
}

/**
 * Pixels above which `[image] avif_effort` is lowered to 1, and to 0. Time grows with effort far more than bytes fall: a
 * photograph of 12 megapixels takes 2.6 s with 2 and 0.8 s with 0, for 4 % more bytes at the same likeness
 * (docs/benchmarks.md). A class that names an effort gets it.
 */
const AVIF_EFFORT_1_PIXELS = 1_500_000;
const AVIF_EFFORT_0_PIXELS = 3_000_000;

/** `sides` are those of the variant. png and gif have nothing to set. */
export function encodingOf(
  topology: Pick<Topology, "sizes" | "image">,
  wanted: { readonly size: string; readonly format: Format },
  sides: Sides,
): Encoding {
  const { size, format } = wanted;
  const own = topology.sizes.find((s) => s.name === size);
  const { quality, avifEffort } = topology.image;
  const effort = own?.avifEffort ?? Math.min(avifEffort, affordableEffort(sides));
  if (format === "png" || format === "gif") return { quality: 100, effort };
  return { quality: own?.quality?.[format] ?? quality[format], effort };
}

/** What `auto` may become for a size. */
export function autoFormatsOf(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
): readonly Format[] {
  return topology.sizes.find((s) => s.name === size)?.autoFormats ?? topology.image.autoFormats;
}

function affordableEffort({ width, height }: Sides): number {
  const pixels = width * height;
  if (pixels > AVIF_EFFORT_0_PIXELS) return 0;
  return pixels > AVIF_EFFORT_1_PIXELS ? 1 : 9;
}
