/** Pictures for tests: drawn, never committed. */

import { join } from "node:path";
import sharp, { type Metadata } from "sharp";

/** A photo-like picture: gradients with detail, so that encoders have something to do. */
export function drawRaw(width: number, height: number, channels: 3 | 4 = 3): Buffer {
  const pixels = Buffer.allocUnsafe(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      const wave = Math.sin(x / 37) * Math.cos(y / 23) * 40;
      pixels[at] = (x * 200) / width + 20 + wave;
      pixels[at + 1] = (y * 200) / height + 20 - wave;
      pixels[at + 2] = 128 + wave + ((x * 31 + y * 17) % 13);
      if (channels === 4) pixels[at + 3] = x < width / 2 ? 255 : 96;
    }
  }
  return pixels;
}

export async function writePicture(
  dir: string,
  name: string,
  options: {
    readonly width: number;
    readonly height: number;
    readonly alpha?: boolean;
    readonly orientation?: number;
  },
): Promise<string> {
  const { width, height, alpha = false, orientation } = options;
  const channels = alpha ? 4 : 3;
  const path = join(dir, name);
  let picture = sharp(drawRaw(width, height, channels), { raw: { width, height, channels } });
  if (orientation !== undefined) picture = picture.withMetadata({ orientation });
  await picture.toFile(path);
  return path;
}

/** What a decoder says of an answer's body. */
export async function pictureOf(answer: Response): Promise<Metadata> {
  return sharp(Buffer.from(await answer.arrayBuffer())).metadata();
}

/** A JPEG of that size, in memory. */
export async function drawJpeg(options: {
  readonly width: number;
  readonly height: number;
}): Promise<Uint8Array> {
  const { width, height } = options;
  const raw = drawRaw(width, height);
  return sharp(raw, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}
