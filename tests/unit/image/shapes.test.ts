/** Crops, pictures with room around them, and placeholders, made by image jobs. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { LIMITS } from "../../../src/base/limits.ts";
import type { ImageJob, MadeResult } from "../../../src/image/job.ts";
import { runJob } from "../../../src/image/make.ts";
import { sniff } from "../../../src/image/sniff.ts";
import { drawAnimation, drawNoise, makeJob } from "../../support/image-jobs.ts";
import { drawRaw } from "../../support/pictures.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

async function made(job: ImageJob): Promise<MadeResult> {
  const outcome = await runJob(job);
  if (outcome.kind !== "made") throw new Error(`not made: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** Grey, with a bright and busy square whose left upper corner is at (x, y). */
async function drawSpot(options: {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}): Promise<Buffer> {
  const { width, height, x, y } = options;
  const side = 120;
  const spot = Buffer.alloc(side * side * 3);
  for (let at = 0; at < side * side; at++) {
    const dark = ((at % side) >> 3) % 2 === Math.floor(at / side / 8) % 2;
    spot.set(dark ? [120, 20, 10] : [255, 200, 40], at * 3);
  }
  return sharp({ create: { width, height, channels: 3, background: "#808080" } })
    .composite([{ input: spot, raw: { width: side, height: side, channels: 3 }, left: x, top: y }])
    .png()
    .toBuffer();
}

/** How far the mean of a picture is from grey: the share of the spot in it. */
async function colourOf(path: string): Promise<number> {
  const { channels } = await sharp(path).stats();
  return Math.abs((channels[0]?.mean ?? 0) - (channels[2]?.mean ?? 0));
}

describe("cover", () => {
  const box = { width: 100, height: 100 };

  for (const x of [20, 380, 660]) {
    test(`the crop is around what draws attention, at ${x} of 800`, async () => {
      using dir = makeTempDir();
      const source = dir.write("p.png", await drawSpot({ width: 800, height: 200, x, y: 40 }));
      const target = join(dir.path, "t");
      const result = await made(makeJob(source, target, { box, fit: "cover" }));
      expect(result).toMatchObject({ width: 100, height: 100 });
      // the spot is 60 of the 100 pixels of a side, 36 % of the crop
      expect(await colourOf(target)).toBeGreaterThan(40);
    });
  }

  test("a picture smaller than the box gives a smaller crop of the same shape", async () => {
    using dir = makeTempDir();
    const source = dir.write("p.png", await drawSpot({ width: 300, height: 150, x: 9, y: 9 }));
    const wide = { width: 800, height: 800 };
    const result = await made(makeJob(source, join(dir.path, "t"), { box: wide, fit: "cover" }));
    expect(result).toMatchObject({ width: 150, height: 150 });
  });

  test("of a larger crop it is that crop, shrunk", async () => {
    using dir = makeTempDir();
    const picture = { width: 800, height: 200 };
    const source = dir.write("p.png", await drawSpot({ ...picture, x: 600, y: 40 }));
    const larger = join(dir.path, "l");
    const large = { width: 200, height: 200 };
    await made(makeJob(source, larger, { box: large, fit: "cover", format: "png" }));
    const target = join(dir.path, "t");
    const job = makeJob(larger, target, { box, fit: "cover", cropped: true, picture });
    expect(await made({ ...job, format: "png" })).toMatchObject({ width: 100, height: 100 });
    const [crop, small] = await Promise.all(
      [larger, target].map((path) => sharp(path).resize(50, 50, { fit: "fill" }).raw().toBuffer()),
    );
    const differ = small?.reduce((sum, value, i) => sum + Math.abs(value - (crop?.[i] ?? 0)), 0);
    expect((differ ?? Number.NaN) / (small?.length ?? 1)).toBeLessThan(6);
  });

  test("lies upright", async () => {
    using dir = makeTempDir();
    const upright = await drawSpot({ width: 200, height: 800, x: 40, y: 640 });
    const lying = await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).toBuffer();
    const target = join(dir.path, "t");
    const result = await made(makeJob(dir.write("p", lying), target, { box, fit: "cover" }));
    expect(result).toMatchObject({ width: 100, height: 100, facts: { width: 200, height: 800 } });
    expect(await colourOf(target)).toBeGreaterThan(40);
  });

  test("an animation is cropped in the middle, every frame the same", async () => {
    using dir = makeTempDir();
    const timing = { delay: [40, 50, 60], loop: 2 };
    const source = dir.write("p", await drawAnimation("gif", timing));
    const target = join(dir.path, "t");
    const square = { width: 12, height: 12 };
    const job = makeJob(source, target, { box: square, fit: "cover", format: "webp" });
    expect(await made(job)).toMatchObject({ width: 12, height: 12 });
    const { pages, delay, loop } = await sharp(target).metadata();
    expect({ pages, delay, loop }).toEqual({ pages: 3, ...timing });
  });
});

describe("contain", () => {
  const box = { width: 90, height: 60 };

  test("fills the box with room that is clear, or white where nothing can be clear", async () => {
    using dir = makeTempDir();
    const blue = {
      create: { width: 200, height: 200, channels: 3 as const, background: "#0000ff" },
    };
    const source = dir.write("p.png", await sharp(blue).png().toBuffer());
    for (const [format, room] of [
      ["png", 0],
      ["webp", 0],
      ["jpg", 255],
    ] as const) {
      const target = join(dir.path, format);
      const result = await made(makeJob(source, target, { box, fit: "contain", format }));
      expect(result).toMatchObject({ width: 90, height: 60 });
      const { data, info } = await sharp(target).raw().toBuffer({ resolveWithObject: true });
      const at = (x: number, y: number, c: number): number =>
        data[(y * info.width + x) * info.channels + c] ?? -1;
      // the last channel of a corner, and the blue of the middle
      for (const x of [0, 10, 79, 89]) {
        expect(Math.abs(at(x, 30, info.channels - 1) - room)).toBeLessThan(5);
      }
      for (const x of [20, 45, 70]) expect(at(x, 30, 2)).toBeGreaterThan(245);
    }
  });

  test("does not enlarge a small picture: it lies in the middle", async () => {
    using dir = makeTempDir();
    const raw = { width: 30, height: 20, channels: 3 as const };
    const source = dir.write("p.png", await sharp(drawRaw(30, 20), { raw }).png().toBuffer());
    const target = join(dir.path, "t");
    await made(makeJob(source, target, { box, fit: "contain", format: "png" }));
    const { info } = await sharp(target).trim().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 30, height: 20, trimOffsetLeft: -30, trimOffsetTop: -20 });
  });

  test("in another format of the same box is only encoded anew", async () => {
    using dir = makeTempDir();
    const picture = { width: 200, height: 200 };
    const raw = { ...picture, channels: 3 as const };
    const source = dir.write("p.png", await sharp(drawRaw(200, 200), { raw }).png().toBuffer());
    const [first, second] = [join(dir.path, "1"), join(dir.path, "2")];
    await made(makeJob(source, first, { box, fit: "contain", format: "png" }));
    const again = makeJob(first, second, { box, fit: "contain", cropped: true, picture });
    expect(await made({ ...again, format: "png" })).toMatchObject({ width: 90, height: 60 });
    const [a, b] = await Promise.all([first, second].map((p) => sharp(p).raw().toBuffer()));
    expect(b).toEqual(a ?? Buffer.alloc(0));
  });

  test("an animation moves in its room", async () => {
    using dir = makeTempDir();
    const source = dir.write("p", await drawAnimation("gif", { delay: [40, 50], loop: 0 }));
    const target = join(dir.path, "t");
    const job = makeJob(source, target, { box, fit: "contain", format: "webp" });
    expect(await made(job)).toMatchObject({ width: 90, height: 60 });
    expect((await sharp(target).metadata()).pages).toBe(2);
  });
});

describe("a placeholder", () => {
  const job = (source: string, target: string): ImageJob =>
    makeJob(source, target, {
      box: { width: 32, height: 32 },
      format: "webp",
      bytesMax: LIMITS.placeholderBytesMax,
    });

  test("of a photograph is a webp of at most 400 bytes in its colours", async () => {
    using dir = makeTempDir();
    const raw = { width: 640, height: 480, channels: 3 as const };
    const bytes = await sharp(drawRaw(640, 480), { raw }).jpeg().toBuffer();
    const target = join(dir.path, "t");
    const result = await made(job(dir.write("p.jpg", bytes), target));
    expect(result.bytes).toBeLessThanOrEqual(LIMITS.placeholderBytesMax);
    expect(result).toMatchObject({ width: 32, height: 24, facts: { width: 640, height: 480 } });
    expect(sniff(readFileSync(target))).toBe("webp");
    const [mean, own] = await Promise.all([sharp(target).stats(), sharp(bytes).stats()]);
    for (const [i, { mean: value }] of mean.channels.entries()) {
      expect(Math.abs(value - (own.channels[i]?.mean ?? 0))).toBeLessThan(6);
    }
  });

  test("of noise, with alpha too, has no more", async () => {
    using dir = makeTempDir();
    // of its very size, so that nothing is averaged away
    const noise = await drawNoise(32, 32);
    const clear = await sharp(noise).ensureAlpha(0.5).png().toBuffer();
    const spots = await sharp(noise)
      .joinChannel(await sharp(noise).greyscale().png().toBuffer())
      .png()
      .toBuffer();
    for (const [i, bytes] of [noise, clear, spots].entries()) {
      const result = await made(job(dir.write(`p${i}`, bytes), join(dir.path, `t${i}`)));
      expect(result.bytes).toBeLessThanOrEqual(LIMITS.placeholderBytesMax);
    }
  });

  test("of an animation is its first frame", async () => {
    using dir = makeTempDir();
    const source = dir.write("p", await drawAnimation("gif", { delay: [40, 50], loop: 0 }));
    const target = join(dir.path, "t");
    await made(job(source, target));
    expect((await sharp(target).metadata()).pages ?? 1).toBe(1);
  });

  test("of one pixel is one pixel", async () => {
    using dir = makeTempDir();
    const one = { create: { width: 1, height: 1, channels: 3 as const, background: "#ff0000" } };
    const source = dir.write("p.png", await sharp(one).png().toBuffer());
    expect(await made(job(source, join(dir.path, "t")))).toMatchObject({ width: 1, height: 1 });
  });
});
