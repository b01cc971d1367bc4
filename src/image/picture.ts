/** A stored picture's header: what it is, upright, and whether it is within the limits, before any pixel is decoded. */

import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import sharp, { type Metadata } from "sharp";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type Facts, type Format, isFormat, type OriginalExt } from "../base/variant.ts";
import { isWholeGif } from "./gif-blocks.ts";
import type { JobLimits } from "./job.ts";
import { SNIFF_BYTES, sniff } from "./sniff.ts";

/** A picture that has been looked at. */
export interface Picture {
  readonly facts: Facts;
  readonly format: Format;
  readonly frames: number;
}

/**
 * A truncated or damaged file is an error; what libvips merely warns of (stray bytes between
 * segments, odd EXIF, rubbish after the end) is not: phones write such files.
 */
export const DECODING = { failOn: "error", sequentialRead: true } as const;

/** The loaders that bytes from outside may reach; each is a class with variants for file, buffer and source. */
const LOADERS = [
  "VipsForeignLoadJpeg",
  "VipsForeignLoadPng",
  "VipsForeignLoadWebp",
  "VipsForeignLoadNsgif",
  "VipsForeignLoadHeif",
];

/** Once in the life of an image worker: a decoder that is not wanted cannot be attacked. */
export function restrictSharp(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS });
  // one job at a time on one thread (design decision 1); nothing of one picture is kept for the next
  sharp.concurrency(1);
  sharp.cache(false);
}

/** Throws `undecodable`, `unsupported_image`, `heic_unsupported`, or `image_too_large` for one frame. */
export async function openPicture(path: string, limits: JobLimits): Promise<Picture> {
  const format = decodable(readExt(path, limits));
  const header = await readHeader(path, format);
  if (format === "gif" && !isWholeGif(readFileSync(path))) {
    throw undecodable(format, new Error("it breaks off inside a block"));
  }
  const { hasAlpha, pages = 1, width, height: tall, pageHeight, orientation = 1 } = header;
  const height = pageHeight ?? tall;
  refuseLarge({ width, height }, limits);
  // EXIF turns stills; browsers leave animations as they are, and libvips cannot turn them
  const turned = pages === 1 && orientation >= 5;
  const sides = turned ? { width: height, height: width } : { width, height };
  return { facts: { ...sides, alpha: hasAlpha, animated: pages > 1 }, format, frames: pages };
}

/** Throws `image_too_large` when the frames together are over the limits. */
export function refuseLongAnimation({ facts, frames }: Picture, limits: JobLimits): void {
  if (frames > limits.frames) {
    throw new Fault(
      "image_too_large",
      `the animation has ${frames} frames, ${limits.frames} are allowed`,
    );
  }
  const pixels = facts.width * facts.height * frames;
  if (pixels > limits.animatedPixels) {
    throw new Fault(
      "image_too_large",
      `the animation has ${pixels} pixels in all, ${limits.animatedPixels} are allowed`,
    );
  }
}

/** What sharp throws about bytes it cannot decode, as a Fault; its text may hold a path and stays the cause. */
export function undecodable(format: string, cause: unknown): Fault {
  return new Fault("undecodable", `the ${format} is damaged, cut short, or no ${format} at all`, {
    cause,
  });
}

function readExt(path: string, limits: JobLimits): OriginalExt {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > limits.sourceBytes) {
      throw new Fault(
        "image_too_large",
        `the picture has ${size} bytes, ${limits.sourceBytes} are allowed`,
      );
    }
    const head = new Uint8Array(SNIFF_BYTES);
    return sniff(head.subarray(0, readSync(fd, head, 0, SNIFF_BYTES, 0)));
  } finally {
    closeSync(fd);
  }
}

function decodable(ext: OriginalExt): Format {
  if (isFormat(ext)) return ext;
  if (ext === "heic") throw new Fault("heic_unsupported", "the picture is HEIC");
  if (ext === "bin") throw new Fault("undecodable", "the bytes are no picture");
  throw new Fault("unsupported_image", `the picture is ${ext}`);
}

async function readHeader(path: string, format: Format): Promise<Metadata> {
  try {
    // the limit is ours, so that its refusal can be told apart from damage
    return await sharp(path, { ...DECODING, limitInputPixels: false }).metadata();
  } catch (error) {
    throw undecodable(format, error);
  }
}

function refuseLarge(
  { width, height }: { width: number; height: number },
  limits: JobLimits,
): void {
  const longest = Math.max(width, height);
  if (longest > LIMITS.pictureSideMax) {
    throw new Fault(
      "image_too_large",
      `a side has ${longest} pixels, ${LIMITS.pictureSideMax} are allowed`,
    );
  }
  if (width * height > limits.pixels) {
    throw new Fault(
      "image_too_large",
      `the picture has ${width * height} pixels, ${limits.pixels} are allowed`,
    );
  }
}
