/** Draws one picture: painted small, enlarged, given the grain of a camera, encoded. */

import sharp, { type Sharp } from "sharp";
import type { Ink } from "./ink.ts";
import type { OwnPhoto } from "./own-photos.ts";
import { makeRandom } from "./random.ts";

/** Pixels in which a still is painted at most; the rest of its size is enlargement and grain. */
const PAINTED_PIXELS = 700_000;
/** A prime, so that the grain repeats nowhere near itself. */
const GRAIN_SAMPLES = 262_139;
/** Of 255; what a small sensor shows in daylight. */
const GRAIN_DEPTH = 5;
const FRAME_MS = 90;

interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** Writes the encoded picture to `path`. The same photo gives the same pixels. */
export async function drawPhoto(photo: OwnPhoto, path: string): Promise<void> {
  if (photo.frames !== undefined) {
    await animation(photo, photo.frames).toFile(path);
    return;
  }
  const scale = Math.min(1, Math.sqrt(PAINTED_PIXELS / (photo.width * photo.height)));
  const small = paint(photo, Math.round(photo.width * scale), Math.round(photo.height * scale), 0);
  const large = await enlarge(small, photo);
  addGrain(large);
  await encode(fromRaster(large), photo).toFile(path);
}

function paint(photo: OwnPhoto, width: number, height: number, phase: number): Raster {
  const channels = photo.alpha === true ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const ink: Ink = { red: 0, green: 0, blue: 0, alpha: 1 };
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      photo.painter((column + 0.5) / height, (row + 0.5) / height, ink, phase);
      data[at] = toByte(ink.red);
      data[at + 1] = toByte(ink.green);
      data[at + 2] = toByte(ink.blue);
      if (channels === 4) data[at + 3] = toByte(ink.alpha);
      at += channels;
    }
  }
  return { data, width, height, channels };
}

function toByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value * 255)));
}

async function enlarge(small: Raster, photo: OwnPhoto): Promise<Raster> {
  const { width, height } = photo;
  const { data } = await fromRaster(small)
    .resize(width, height, { fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width, height, channels: small.channels };
}

/** In place; alpha is left alone. */
function addGrain({ data, channels }: Raster): void {
  const random = makeRandom(GRAIN_SAMPLES);
  const grain = Int8Array.from({ length: GRAIN_SAMPLES }, () =>
    Math.round((random() + random() + random() - 1.5) * GRAIN_DEPTH * 2),
  );
  let sample = 0;
  for (let at = 0; at < data.length; at += channels) {
    const change = grain[sample] ?? 0;
    for (let c = 0; c < 3; c++) {
      data[at + c] = Math.min(255, Math.max(0, (data[at + c] ?? 0) + change));
    }
    sample = sample + 1 === GRAIN_SAMPLES ? 0 : sample + 1;
  }
}

function fromRaster({ data, width, height, channels }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

function encode(picture: Sharp, photo: OwnPhoto): Sharp {
  const turned =
    photo.onItsSide === true ? picture.rotate(270).withMetadata({ orientation: 6 }) : picture;
  switch (photo.ext) {
    case "png":
      return turned.png({ compressionLevel: 3 });
    case "webp":
      return turned.webp({ quality: 88, effort: 1 });
    default:
      return turned.jpeg({ quality: 92 });
  }
}

/** The frames one below the other, as libvips wants them. */
function animation(photo: OwnPhoto, frames: number): Sharp {
  const { width, height } = photo;
  const strip = new Uint8Array(width * height * frames * 3);
  for (let i = 0; i < frames; i++) {
    strip.set(paint(photo, width, height, i / frames).data, width * height * 3 * i);
  }
  return sharp(strip, {
    raw: { width, height: height * frames, channels: 3, pageHeight: height },
  }).gif({ delay: Array.from({ length: frames }, () => FRAME_MS), loop: 0, effort: 3 });
}
