/** One image job from start to end, inside an image worker: decode, turn upright, shrink, encode, write. */

import { existsSync, unlinkSync, writeFileSync } from "node:fs";
import sharp, { type OutputInfo, type Sharp } from "sharp";
import { isDiskFull, isMissing } from "../base/errno.ts";
import { asFault, Fault, unreachable } from "../base/fault.ts";
import { digestOf } from "../wire/xxhash.ts";
import type { FaultResult, ImageJob, JobOutcome, MadeResult, MakeJob, ProbeJob } from "./job.ts";
import { type Output, outputOf, shaped } from "./output.ts";
import { DECODING, openPicture, type Picture, undecodable } from "./picture.ts";
import { encodePlaceholder } from "./placeholder.ts";
import { refuseDamaged } from "./source-digest.ts";

/** libwebp knows no more. */
const WEBP_EFFORT_MAX = 6;
const PNG_COMPRESSION_LEVEL = 6;
/** Those of mozjpeg but one: trying orders of scans takes a third of the time for a hundredth of the bytes. */
const JPEG = {
  progressive: true,
  trellisQuantisation: true,
  overshootDeringing: true,
  quantisationTable: 3,
} as const;
/** Half the time of 3 for a hundredth more bytes; a photograph as GIF is slow enough. */
const GIF_EFFORT = 1;

/** Small enough for the coarsest scale of every decoder that has some. */
const PROBE_SIDE = 16;

/** Never throws: expected failures are outcomes, and so is what nobody expected. */
export async function runJob(job: ImageJob): Promise<JobOutcome> {
  try {
    if (job.kind === "make") return await make(job);
    const picture = await openPicture(job.source, job.limits);
    if (job.whole) await decodeOnce(job, picture);
    const { facts, format } = picture;
    return { kind: "probed", facts, format };
  } catch (error) {
    return faultResult(error);
  }
}

/** At the smallest scale the decoder has; the pixels are for nobody. Throws `undecodable`. */
async function decodeOnce({ source, limits }: ProbeJob, { format }: Picture): Promise<void> {
  const input = sharp(source, { ...DECODING, limitInputPixels: limits.pixels });
  try {
    await input.resize(PROBE_SIDE, PROBE_SIDE, { fit: "inside" }).raw().toBuffer();
  } catch (error) {
    throw undecodable(format, error);
  }
}

async function make(job: MakeJob): Promise<MadeResult> {
  refuseDamaged(job);
  const picture = await openPicture(job.source, job.limits);
  return writeMade(job, picture, await encode(job, picture, outputOf(job, picture)));
}

/** Throws Faults: too many bytes, or nowhere to write them. */
export function writeMade(
  job: MakeJob,
  picture: Pick<Picture, "facts">,
  { data, info }: { readonly data: Buffer; readonly info: OutputInfo },
): MadeResult {
  if (data.length > job.limits.outputBytes) {
    throw new Fault(
      "image_too_large",
      `the variant has ${data.length} bytes, ${job.limits.outputBytes} are allowed`,
    );
  }
  writeTarget(job.target, data);
  return {
    kind: "made",
    bytes: data.length,
    width: info.width,
    height: info.pageHeight ?? info.height,
    facts: picture.facts,
    digest: digestOf(data),
  };
}

async function encode(job: MakeJob, picture: Picture, output: Output) {
  const { limits } = job;
  const { animated } = output;
  const input = sharp(job.source, {
    ...DECODING,
    animated,
    // the header has been checked already; this is for decoders that find more than it said
    limitInputPixels: animated ? limits.animatedPixels : limits.pixels,
  });
  const upright = picture.facts.animated ? input : input.autoOrient();
  try {
    return await encoded(upright, job, output);
  } catch (error) {
    throw decodingFault(job, picture, error);
  }
}

/** `input` is upright. */
export function encoded(input: Sharp, job: MakeJob, output: Output) {
  const image = shaped(input, job, output);
  if (job.bytesMax !== undefined) return encodePlaceholder(image, job.bytesMax);
  return withFormat(image, job).toBuffer({ resolveWithObject: true });
}

/** What a decoder threw, as a Fault. */
export function decodingFault(job: MakeJob, picture: Picture, error: unknown): Fault {
  if (error instanceof Fault) return error;
  return existsSync(job.source)
    ? undecodable(picture.format, error)
    : new Fault("image_failed", "the source went away; retry", { cause: error });
}

function withFormat(image: Sharp, { format, quality, effort }: MakeJob): Sharp {
  switch (format) {
    case "jpg":
      return image.jpeg({ quality, ...JPEG });
    case "webp":
      return image.webp({ quality, effort: Math.min(effort, WEBP_EFFORT_MAX) });
    case "avif":
      return image.avif({ quality, effort, chromaSubsampling: "4:2:0" });
    case "png":
      return image.png({ compressionLevel: PNG_COMPRESSION_LEVEL, palette: false });
    case "gif":
      return image.gif({ effort: GIF_EFFORT });
    default:
      return unreachable(format);
  }
}

/** Overwrites: an earlier attempt at the same job may have died while writing. */
function writeTarget(path: string, data: Uint8Array): void {
  try {
    writeFileSync(path, data, { mode: 0o600 });
  } catch (error) {
    try {
      unlinkSync(path);
    } catch {
      // it could not even be opened
    }
    if (isDiskFull(error))
      throw new Fault("disk_full", "no room for the variant", { cause: error });
    throw new Fault("unwritable", "the variant cannot be written", { cause: error });
  }
}

export function faultResult(error: unknown): FaultResult {
  // the source was evicted while the job waited: whoever asked can plan again
  const fault = isMissing(error)
    ? new Fault("image_failed", "the source is gone", { cause: error })
    : asFault(error);
  return { kind: "fault", code: fault.code, message: fault.message, detail: detailOf(fault) };
}

function detailOf(fault: Fault): string {
  return fault.cause instanceof Error ? fault.cause.message : "";
}
