/** Several variants of one source out of one decoding: once to the largest that is wanted, the others from its pixels. */

import { statSync } from "node:fs";
import sharp from "sharp";
import { LIMITS } from "../base/limits.ts";
import type { Sides } from "./fit.ts";
import type { ImageJob, JobOutcome, MakeJob } from "./job.ts";
import { decodingFault, encoded, faultResult, runJob, writeMade } from "./make.ts";
import { outputOf } from "./output.ts";
import { DECODING, openPicture, type Picture } from "./picture.ts";
import { refuseDamaged } from "./source-digest.ts";

/** How each job ended, in their order. Never throws. */
export async function* runJobs(jobs: readonly ImageJob[]): AsyncGenerator<JobOutcome> {
  const shared = jobs.length > 1 ? await decodeOnce(jobs) : undefined;
  for (const job of jobs) {
    const serves = shared !== undefined && job.kind === "make" && holds(shared, job);
    yield serves ? await makeFrom(shared, job) : await runJob(job);
  }
}

/** Pixels of the largest variant that is wanted: decoded, upright, sRGB, and not yet encoded by anybody. */
interface Pixels {
  readonly picture: Picture;
  readonly sides: Sides;
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Buffer;
}

/** undefined when it cannot be done, or would not be the same: then each job is done by itself, and says why. */
async function decodeOnce(jobs: readonly ImageJob[]): Promise<Pixels | undefined> {
  try {
    const makes = jobs.filter((job) => job.kind === "make");
    const [first] = makes;
    if (first === undefined) return undefined;
    const file = fileOf(first.source);
    if (makes.some(({ source }) => fileOf(source) !== file)) return undefined;
    const picture = await openPicture(first.source, first.limits);
    // frames would have to be kept
    if (picture.facts.animated) return undefined;
    const sides = largest(makes.map((job) => outputOf(job, picture).drawn));
    if (sides.width * sides.height > LIMITS.imageBatchPixelsMax) return undefined;
    refuseDamaged(first);
    const { data, info } = await sharp(first.source, {
      ...DECODING,
      limitInputPixels: first.limits.pixels,
    })
      .autoOrient()
      .resize({ ...sides, fit: "fill" })
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { picture, sides, channels: info.channels, data };
  } catch {
    return undefined;
  }
}

/**
 * Spec §6 (a) to (d), of pixels that no encoder has seen: large enough is sufficient, everything but frames is still
 * there, and what is made of them is as far from the original as if it had been made of the source.
 */
function holds({ sides, picture }: Pixels, job: MakeJob): boolean {
  const { drawn } = outputOf(job, picture);
  return drawn.width <= sides.width && drawn.height <= sides.height;
}

/** The same for every name of a file: each job has its own, so that eviction cannot take it. */
function fileOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev} ${ino}`;
}

async function makeFrom(pixels: Pixels, job: MakeJob): Promise<JobOutcome> {
  const { picture, sides, channels, data } = pixels;
  try {
    const input = sharp(data, { raw: { ...sides, channels } });
    const made = await encoded(input, job, outputOf(job, picture)).catch((error) => {
      throw decodingFault(job, picture, error);
    });
    return writeMade(job, picture, made);
  } catch (error) {
    return faultResult(error);
  }
}

function largest(all: readonly Sides[]): Sides {
  return {
    width: Math.max(...all.map(({ width }) => width)),
    height: Math.max(...all.map(({ height }) => height)),
  };
}
