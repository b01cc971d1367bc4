/** Image jobs for tests, and pictures that only decoders need. */

import sharp from "sharp";
import { LIMITS } from "../../src/base/limits.ts";
import type { JobLimits, MakeJob } from "../../src/image/job.ts";

export const JOB_LIMITS: JobLimits = {
  pixels: LIMITS.imagePixelsMax,
  animatedPixels: LIMITS.imageAnimatedPixelsMax,
  animatedWebpPixels: LIMITS.imageAnimatedWebpPixelsMax,
  animatedGifPixels: LIMITS.imageAnimatedGifPixelsMax,
  frames: LIMITS.imageFramesMax,
  sourceBytes: LIMITS.imageSourceBytesMax,
  outputBytes: LIMITS.imageOutputBytesMax,
};

export function makeJob(
  source: string,
  target: string,
  more: Partial<Omit<MakeJob, "limits">> & { readonly limits?: Partial<JobLimits> } = {},
): MakeJob {
  return {
    kind: "make",
    source,
    target,
    box: { width: 160, height: 160 },
    fit: "inside",
    cropped: false,
    format: "jpg",
    quality: 80,
    effort: 2,
    ...more,
    limits: { ...JOB_LIMITS, ...more.limits },
  };
}

/** Frames of 30x20, each redder than the one before; delays in milliseconds. */
export async function drawAnimation(
  format: "gif" | "webp",
  options: { readonly delay: number[]; readonly loop: number },
): Promise<Buffer> {
  const frames = await Promise.all(
    options.delay.map((_, i) => {
      const background = { r: i * 60, g: 90, b: 30 };
      return sharp({ create: { width: 30, height: 20, channels: 3, background } })
        .png()
        .toBuffer();
    }),
  );
  return sharp(frames, { join: { animated: true } })
    .toFormat(format, options)
    .toBuffer();
}

/** A picture without structure, which encoders take long over. */
export function drawNoise(width: number, height: number): Promise<Buffer> {
  const noise = { type: "gaussian" as const, mean: 128, sigma: 60 };
  return sharp({ create: { width, height, channels: 3, background: "#000000", noise } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** The head of a PNG that claims these sides, with no pixels behind it. */
export function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const empty = Buffer.alloc(0);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", Buffer.from(Bun.deflateSync(empty))),
    pngChunk("IEND", empty),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(Bun.hash.crc32(body), body.length + 4);
  return framed;
}
