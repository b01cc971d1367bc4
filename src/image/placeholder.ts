/** A picture of a few hundred bytes to be shown until the real one is there: small, blurred, webp. */

import sharp, { type Sharp } from "sharp";
import { Fault } from "../base/fault.ts";

/** Tried in this order until the bytes are few enough; the last one is for noise with alpha. */
const STEPS: readonly { readonly part: number; readonly quality: number }[] = [
  { part: 1, quality: 40 },
  { part: 1, quality: 20 },
  { part: 3 / 4, quality: 20 },
  { part: 1 / 2, quality: 20 },
  { part: 1 / 2, quality: 1 },
  { part: 1 / 4, quality: 1 },
];
/** Hides the blocks that few bytes leave; in pixels of the small picture. */
const BLUR_SIGMA = 0.8;
const ALPHA_QUALITY = 20;
const EFFORT = 6;

/** `small` has its final size already. */
export async function encodePlaceholder(small: Sharp, bytesMax: number) {
  const { data, info } = await small.blur(BLUR_SIGMA).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  for (const { part, quality } of STEPS) {
    const encoded = await sharp(data, { raw: { width, height, channels } })
      .resize({ width: scaled(width, part), height: scaled(height, part), fit: "fill" })
      .webp({ quality, alphaQuality: ALPHA_QUALITY, effort: EFFORT })
      .toBuffer({ resolveWithObject: true });
    if (encoded.data.length <= bytesMax) return encoded;
  }
  throw new Fault("internal", `no placeholder of ${bytesMax} bytes could be made`);
}

function scaled(side: number, part: number): number {
  return Math.max(1, Math.round(side * part));
}
