/** What a job will cost, guessed beforehand: enough to let small ones go first. */

import type { Format } from "../base/variant.ts";
import type { Sides } from "./fit.ts";
import type { ImageJob } from "./job.ts";

/** Encoding time per megapixel of the box. */
const COST_MS_PER_MEGAPIXEL: Readonly<Record<Format, number>> = {
  jpg: 150,
  webp: 150,
  avif: 300,
  png: 100,
  gif: 500,
};
/** Decoding at the smallest scale: a JPEG of 12 megapixels. */
const COST_MS_WHOLE = 40;
/** Nothing is put back further than this. */
const COST_MS_MAX = 2000;

/** Milliseconds that a job is put back in the queue behind those that came at the same time. */
export function costMs(job: ImageJob): number {
  if (job.kind === "probe") return job.whole ? COST_MS_WHOLE : 0;
  return outputCostMs(job.box, job.format);
}

function outputCostMs(box: Sides, format: Format): number {
  const megapixels = (box.width * box.height) / 1e6;
  return Math.min(COST_MS_MAX, megapixels * COST_MS_PER_MEGAPIXEL[format]);
}

/** Outputs up to this cost have a lane of their own: previews and grids, many of them on a page. */
const SMALL_COST_MS = 40;

export function isSmall(job: ImageJob): boolean {
  return costMs(job) <= SMALL_COST_MS;
}

/** The same of a job to make it. */
export function isSmallOutput(box: Sides, format: Format): boolean {
  return outputCostMs(box, format) <= SMALL_COST_MS;
}
