/** What comes out of a job: how large, what of the picture is in it, and the steps from decoded pixels to that. */

import sharp, { type Sharp } from "sharp";
import { Fault } from "../base/fault.ts";
import { canAnimate, fitInside, outputSides, type Sides } from "./fit.ts";
import type { MakeJob } from "./job.ts";
import { type Picture, refuseLongAnimation } from "./picture.ts";

export interface Output {
  readonly animated: boolean;
  readonly sides: Sides;
  /** Of the picture in it: less than `sides` where there is room around it, more where it is cut. */
  readonly drawn: Sides;
}

/** By the original's aspect ratio; nothing is larger than in the source. Throws `image_too_large`. */
export function outputOf(job: MakeJob, picture: Picture): Output {
  const animated = picture.facts.animated && canAnimate(job.format) && job.bytesMax === undefined;
  if (animated) refuseLongAnimation(picture, job.limits);
  const output = { animated, ...sidesOf(job, picture.facts) };
  if (animated) refuseLargeAnimation(job, output.sides, picture.frames);
  return output;
}

/** Upright pixels in the shape that is wanted, sRGB with 8 bits by way of the embedded profile, without metadata. */
export function shaped(upright: Sharp, job: MakeJob, output: Output): Sharp {
  const { sides, drawn, animated } = output;
  const position = animated ? "centre" : sharp.strategy.attention;
  // the exact size: "inside" would round what shrink-on-load has left, other for each source
  const sized = isCut(job)
    ? upright.resize({ ...sides, fit: "cover", position })
    : upright.resize({ ...drawn, fit: "fill" });
  // sharp flattens before it extends, whatever order the calls have
  const flat = job.format === "jpg" ? sized.flatten({ background: "#ffffff" }) : sized;
  return (hasRoom(job) ? withRoom(flat, job, output) : flat).toColourspace("srgb");
}

function sidesOf(job: MakeJob, source: Sides): Pick<Output, "sides" | "drawn"> {
  const whole = job.picture ?? source;
  const wanted = outputSides(whole, job);
  if (hasRoom(job)) {
    const inside = fitInside(whole, job.box);
    return { sides: wanted, drawn: isLarger(inside, source) ? fitInside(source, job.box) : inside };
  }
  const smaller = job.cropped ? fitInside(wanted, source) : outputSides(source, job);
  const sides = isLarger(wanted, source) ? smaller : wanted;
  return { sides, drawn: isCut(job) ? covering(source, sides) : sides };
}

function isCut({ fit, cropped }: MakeJob): boolean {
  return fit === "cover" && !cropped;
}

function hasRoom({ fit, cropped }: MakeJob): boolean {
  return fit === "contain" && !cropped;
}

/** The whole picture as small as it may be for a piece of these sides to be cut from it. */
function covering(picture: Sides, piece: Sides): Sides {
  const scale = Math.max(piece.width / picture.width, piece.height / picture.height);
  return {
    width: Math.max(piece.width, Math.round(picture.width * scale)),
    height: Math.max(piece.height, Math.round(picture.height * scale)),
  };
}

/** In the middle; the room is clear, or white. */
function withRoom(picture: Sharp, { format }: MakeJob, { sides, drawn }: Output): Sharp {
  const left = Math.floor((sides.width - drawn.width) / 2);
  const top = Math.floor((sides.height - drawn.height) / 2);
  const right = sides.width - drawn.width - left;
  const bottom = sides.height - drawn.height - top;
  const room = { left, top, right, bottom };
  if (format === "jpg") return picture.extend({ ...room, background: "#ffffff" });
  return picture.ensureAlpha().extend({ ...room, background: "#ffffff00" });
}

function isLarger(a: Sides, than: Sides): boolean {
  return a.width > than.width || a.height > than.height;
}

function refuseLargeAnimation({ format, limits }: MakeJob, sides: Sides, frames: number): void {
  const most = format === "gif" ? limits.animatedGifPixels : limits.animatedWebpPixels;
  const pixels = sides.width * sides.height * frames;
  if (pixels <= most) return;
  throw new Fault(
    "image_too_large",
    `the animation would have ${pixels} pixels in all, ${most} are allowed as ${format}`,
  );
}
