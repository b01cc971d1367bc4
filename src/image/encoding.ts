/** How a variant is encoded: quality and effort by class, format and the pixels there are (spec §6). */

import { unreachable } from "../base/fault.ts";
import type { Format } from "../base/variant.ts";
import type { Topology, TunedFormat } from "../topology/topology.ts";
import type { Sides } from "./fit.ts";

export interface Encoding {
  /** 1 to 100; jpg, webp and avif use it. */
  readonly quality: number;
  /** 0 to 9 for avif, 0 to 6 for webp; no other uses it. */
  readonly effort: number;
}

/**
 * Pixels above which `[image] avif_effort` is lowered to 1, and to 0. Time grows with effort far more than bytes fall: a
 * photograph of 12 megapixels takes 2.6 s with 2 and 0.8 s with 0, for 4 % more bytes at the same likeness
 * (docs/benchmarks.md). A class that names an effort gets it.
 */
const AVIF_EFFORT_1_PIXELS = 1_500_000;
const AVIF_EFFORT_0_PIXELS = 3_000_000;

/** The same of webp: above that it takes half the time for 3 % more bytes. */
const WEBP_EFFORT = 4;
const WEBP_EFFORT_LARGE = 2;
const WEBP_LARGE_PIXELS = 3_000_000;

/** `sides` are those of the variant. png and gif have nothing to set. */
export function encodingOf(
  topology: Pick<Topology, "sizes" | "image">,
  wanted: { readonly size: string; readonly format: Format },
  sides: Sides,
): Encoding {
  const { size, format } = wanted;
  const own = topology.sizes.find((s) => s.name === size);
  const { quality, avifEffort } = topology.image;
  const pixels = sides.width * sides.height;
  const of = (name: TunedFormat): number => own?.quality?.[name] ?? quality[name];
  switch (format) {
    case "avif": {
      const effort = own?.avifEffort ?? Math.min(avifEffort, affordableEffort(pixels));
      return { quality: of(format), effort };
    }
    case "webp":
      return {
        quality: of(format),
        effort: pixels > WEBP_LARGE_PIXELS ? WEBP_EFFORT_LARGE : WEBP_EFFORT,
      };
    case "jpg":
      return { quality: of(format), effort: 0 };
    case "png":
    case "gif":
      return { quality: 100, effort: 0 };
    default:
      return unreachable(format);
  }
}

/** What `auto` may become for a size. */
export function autoFormatsOf(
  topology: Pick<Topology, "sizes" | "image">,
  size: string,
): readonly Format[] {
  return topology.sizes.find((s) => s.name === size)?.autoFormats ?? topology.image.autoFormats;
}

function affordableEffort(pixels: number): number {
  if (pixels > AVIF_EFFORT_0_PIXELS) return 0;
  return pixels > AVIF_EFFORT_1_PIXELS ? 1 : 9;
}
