/** One image job from file to file: formats, colours, orientation, alpha, animation. */

import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { FORMATS } from "../../../src/base/variant.ts";
import type { ImageJob, MadeResult } from "../../../src/image/job.ts";
import { runJob } from "../../../src/image/make.ts";
import { sniff } from "../../../src/image/sniff.ts";
import { makeDigest } from "../../../src/wire/xxhash.ts";
import { drawAnimation, JOB_LIMITS, makeJob } from "../../support/image-jobs.ts";
import { drawRaw } from "../../support/pictures.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const SHARP_NAMES = { jpg: "jpeg", png: "png", webp: "webp", avif: "avif", gif: "gif" } as const;

async function made(job: ImageJob): Promise<MadeResult> {
  const outcome = await runJob(job);
  if (outcome.kind !== "made") throw new Error(`not made: ${JSON.stringify(outcome)}`);
  return outcome;
}

function drawn(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  return sharp(drawRaw(width, height, channels), { raw: { width, height, channels } });
}

/** Mean difference a channel, 0 to 255, at the size of the smaller one. */
async function distance(path: string, reference: Sharp): Promise<number> {
  const { data, info } = await sharp(path)
    .flatten({ background: "#ffffff" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const other = await reference
    .clone()
    .resize({ width: info.width, height: info.height, fit: "fill" })
    .flatten({ background: "#ffffff" })
    .raw()
    .toBuffer();
  expect(data.length).toBe(other.length);
  return data.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / data.length;
}

describe("every format can be made from every format", () => {
  for (const from of FORMATS) {
    test(`from ${from}: ${FORMATS.join(", ")}`, async () => {
      using dir = makeTempDir();
      const reference = sharp(await drawn(300, 200).png().toBuffer());
      const encoded = reference.clone().toFormat(SHARP_NAMES[from], { effort: 1 });
      const source = dir.write("source", await encoded.toBuffer());
      for (const format of FORMATS) {
        const target = join(dir.path, format);
        const result = await made(makeJob(source, target, { format }));
        expect(result).toMatchObject({ width: 160, height: 107 });
        expect(result.facts).toEqual({ width: 300, height: 200, alpha: false, animated: false });
        expect(sniff(readFileSync(target))).toBe(format);
        expect(statSync(target).size).toBe(result.bytes);
        expect(await distance(target, reference)).toBeLessThan(8);
      }
    });
  }
});

describe("the result", () => {
  test("has the digest that the wire protocol has for the same bytes", async () => {
    using dir = makeTempDir();
    const source = dir.write("p.png", await drawn(40, 30).png().toBuffer());
    const { digest } = await made(makeJob(source, join(dir.path, "t")));
    const expected = makeDigest();
    expected.update(readFileSync(join(dir.path, "t")));
    expect(digest).toBe(expected.hex());
  });

  test("is never larger than the source", async () => {
    using dir = makeTempDir();
    const source = dir.write("p.jpg", await drawn(90, 30).jpeg().toBuffer());
    const result = await made(
      makeJob(source, join(dir.path, "t"), { box: { width: 500, height: 500 } }),
    );
    expect(result).toMatchObject({ width: 90, height: 30 });
  });

  test("comes out at one size whatever variant it was made from", async () => {
    using dir = makeTempDir();
    const picture = { width: 1000, height: 333 };
    const original = dir.write("o.jpg", await drawn(1000, 333).jpeg().toBuffer());
    const middle = join(dir.path, "m");
    await made(makeJob(original, middle, { box: { width: 500, height: 500 }, picture }));
    const box = { width: 250, height: 250 };
    const sizes = await Promise.all(
      [original, middle].map(async (source, i) => {
        const { width, height } = await made(
          makeJob(source, join(dir.path, `t${i}`), { box, picture }),
        );
        return `${width}x${height}`;
      }),
    );
    expect(sizes).toEqual(["250x83", "250x83"]);
  });

  test("replaces what an earlier attempt has left", async () => {
    using dir = makeTempDir();
    const source = dir.write("p.png", await drawn(40, 30).png().toBuffer());
    const target = dir.write("t", Buffer.alloc(100_000));
    const { bytes } = await made(makeJob(source, target));
    expect(statSync(target).size).toBe(bytes);
  });

  test("is a progressive JPEG without metadata", async () => {
    using dir = makeTempDir();
    const exif = { IFD0: { Copyright: "somebody", Artist: "at home" } };
    const bytes = await drawn(300, 200).withExif(exif).withIccProfile("p3").jpeg().toBuffer();
    await made(makeJob(dir.write("p.jpg", bytes), join(dir.path, "t")));
    const meta = await sharp(join(dir.path, "t")).metadata();
    expect(meta.isProgressive).toBe(true);
    expect([meta.exif, meta.icc, meta.xmp, meta.orientation]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

/** Where the pixel (x, y) of the upright picture of w by h lies in one stored with this orientation. */
const STORED: Readonly<
  Record<number, (x: number, y: number, w: number, h: number) => [number, number]>
> = {
  1: (x, y) => [x, y],
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, w) => [y, w - 1 - x],
  7: (x, y, w, h) => [h - 1 - y, w - 1 - x],
  8: (x, y, _, h) => [h - 1 - y, x],
};

describe("EXIF orientation", () => {
  for (const [orientation, place] of Object.entries(STORED)) {
    test(`${orientation} comes out upright`, async () => {
      using dir = makeTempDir();
      const [w, h] = [120, 80];
      const upright = drawRaw(w, h);
      const turned = Number(orientation) >= 5;
      const raw = { width: turned ? h : w, height: turned ? w : h, channels: 3 as const };
      const stored = Buffer.alloc(upright.length);
      for (let at = 0; at < w * h; at++) {
        const [x, y] = place(at % w, Math.floor(at / w), w, h);
        upright.copy(stored, (y * raw.width + x) * 3, at * 3, at * 3 + 3);
      }
      const bytes = await sharp(stored, { raw })
        .withMetadata({ orientation: Number(orientation) })
        .jpeg({ quality: 95 })
        .toBuffer();
      const target = join(dir.path, "t");
      const box = { width: 60, height: 60 };
      const result = await made(makeJob(dir.write("p.jpg", bytes), target, { box }));
      expect(result).toMatchObject({ width: 60, height: 40, facts: { width: 120, height: 80 } });
      const reference = sharp(upright, { raw: { width: w, height: h, channels: 3 } });
      expect(await distance(target, reference)).toBeLessThan(6);
    });
  }
});

describe("colour", () => {
  const sources = [
    ["CMYK", (p: Sharp) => p.toColourspace("cmyk").jpeg({ quality: 95 })],
    ["Display P3", (p: Sharp) => p.withIccProfile("p3").png()],
    ["16 bits a channel", (p: Sharp) => p.toColourspace("rgb16").png()],
  ] as const;
  for (const [name, draw] of sources) {
    test(`${name} becomes sRGB with 8 bits`, async () => {
      using dir = makeTempDir();
      const source = dir.write("p", await draw(drawn(200, 100)).toBuffer());
      const target = join(dir.path, "t");
      await made(makeJob(source, target, { format: "png", box: { width: 200, height: 100 } }));
      const meta = await sharp(target).metadata();
      expect(meta).toMatchObject({ space: "srgb", depth: "uchar", channels: 3 });
      expect(await distance(target, drawn(200, 100))).toBeLessThan(name === "CMYK" ? 16 : 3);
    });
  }

  test("grey with 8 and 16 bits", async () => {
    using dir = makeTempDir();
    for (const space of ["b-w", "grey16"]) {
      const bytes = await drawn(200, 100).greyscale().toColourspace(space).png().toBuffer();
      const target = join(dir.path, `t-${space}`);
      await made(makeJob(dir.write(`p-${space}`, bytes), target, { format: "webp" }));
      const grey = sharp(await drawn(200, 100).greyscale().toColourspace("srgb").png().toBuffer());
      expect(await distance(target, grey)).toBeLessThan(4);
    }
  });
});

describe("alpha", () => {
  for (const format of ["png", "webp", "avif", "gif"] as const) {
    test(`is kept in ${format}`, async () => {
      using dir = makeTempDir();
      const source = dir.write("p.png", await drawn(200, 100, 4).png().toBuffer());
      const target = join(dir.path, "t");
      const { facts } = await made(makeJob(source, target, { format }));
      expect(facts.alpha).toBe(true);
      expect((await sharp(target).metadata()).hasAlpha).toBe(true);
    });
  }

  test("is laid on white in jpg", async () => {
    using dir = makeTempDir();
    const empty = {
      create: { width: 50, height: 50, channels: 4 as const, background: "#00000000" },
    };
    const source = dir.write("p.png", await sharp(empty).png().toBuffer());
    await made(makeJob(source, join(dir.path, "t")));
    const { channels } = await sharp(join(dir.path, "t")).stats();
    expect(channels.map((c) => Math.round(c.mean))).toEqual([255, 255, 255]);
  });
});

describe("animation", () => {
  const timing = { delay: [100, 250, 40, 90], loop: 3 };
  for (const from of ["gif", "webp"] as const) {
    for (const to of ["gif", "webp"] as const) {
      test(`${from} to ${to} keeps frames, delays and loops`, async () => {
        using dir = makeTempDir();
        const source = dir.write("p", await drawAnimation(from, timing));
        const target = join(dir.path, "t");
        const box = { width: 15, height: 15 };
        const result = await made(makeJob(source, target, { format: to, box }));
        expect(result).toMatchObject({ width: 15, height: 10, facts: { animated: true } });
        expect(result.facts).toMatchObject({ width: 30, height: 20 });
        const { pages, delay, loop } = await sharp(target).metadata();
        expect({ pages, delay, loop }).toEqual({ pages: 4, ...timing });
      });
    }
  }

  for (const to of ["jpg", "png", "avif"] as const) {
    test(`${to} shows the first frame`, async () => {
      using dir = makeTempDir();
      const source = dir.write("p", await drawAnimation("gif", timing));
      const target = join(dir.path, "t");
      const result = await made(makeJob(source, target, { format: to }));
      expect(result).toMatchObject({ width: 30, height: 20, facts: { animated: true } });
      const { channels } = await sharp(target).stats();
      expect(Math.round(channels[0]?.mean ?? 99)).toBeLessThan(12);
    });
  }
});

describe("probing", () => {
  test("tells format and upright facts, and writes nothing", async () => {
    using dir = makeTempDir();
    const bytes = await drawn(200, 100, 4).withMetadata({ orientation: 6 }).webp().toBuffer();
    const outcome = await runJob({
      kind: "probe",
      source: dir.write("p", bytes),
      limits: JOB_LIMITS,
    });
    expect(outcome).toEqual({
      kind: "probed",
      format: "webp",
      facts: { width: 100, height: 200, alpha: true, animated: false },
    });
  });

  for (const format of ["jpeg", "png", "webp", "avif"] as const) {
    test(`tells of a ${format} that breaks off behind its header, when it is to look at the whole`, async () => {
      using dir = makeTempDir();
      const noise = { noise: { type: "gaussian", mean: 128, sigma: 40 } } as const;
      const create = {
        width: 320,
        height: 240,
        channels: 3,
        background: "black",
        ...noise,
      } as const;
      const bytes = await sharp({ create }).toFormat(format).toBuffer();
      const look = async (length: number, whole: boolean): Promise<string> => {
        const source = dir.write(`${length}`, bytes.subarray(0, length));
        const outcome = await runJob({ kind: "probe", source, whole, limits: JOB_LIMITS });
        return outcome.kind === "fault" ? outcome.code : outcome.kind;
      };
      expect(await look(bytes.length, true)).toBe("probed");
      expect(await look(Math.floor(bytes.length / 2), true)).toBe("undecodable");
      expect(await look(Math.floor(bytes.length * 0.97), true)).toBe("undecodable");
    });
  }
});
