/** A thumbnail made of another variant is as good as one made of the original (spec §6). */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import type { Format } from "../../../src/base/variant.ts";
import { runJob } from "../../../src/image/make.ts";
import { isSufficient } from "../../../src/image/plan.ts";
import { makeJob } from "../../support/image-jobs.ts";
import { ciede2000, colourDistances, pixelsOf, ssim } from "../../support/likeness.ts";
import { drawRaw } from "../../support/pictures.ts";
import { shapeOf, source, target } from "../../support/plan-cases.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const PHOTOS = resolve(import.meta.dir, "../../../../shared/photos");
const QUALITY = { jpg: 80, webp: 79, avif: 50, png: 100, gif: 100 } as const;
const LOSSY = ["jpg", "webp", "avif"] as const;
/** What going by another variant may cost a thumbnail: of its likeness to the original, where making it at once costs .04 to .1. */
const SSIM_LOSS_MOST = 0.03;
/** Its likeness by whatever way. */
const SSIM_LEAST = 0.885;
/** The same in CIEDE2000, of the worst of the mean colours of 64 parts of a picture. */
const COLOUR_LOSS_MOST = 1.2;

async function make(
  dir: TempDir,
  from: string,
  what: { readonly size: "md" | "sm"; readonly format: Format; readonly picture: Sides },
): Promise<string> {
  const { size, format, picture } = what;
  const path = join(dir.path, crypto.randomUUID());
  const quality = QUALITY[format];
  const job = makeJob(from, path, { ...shapeOf(size), format, quality, picture });
  const outcome = await runJob(job);
  if (outcome.kind !== "made") throw new Error(JSON.stringify(outcome));
  return path;
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

/**
 * Each thumbnail against the original's own pixels at that size: `direct` is the likeness of one made at once, `loss`
 * how much less alike one is that was made of another variant.
 */
async function compare(dir: TempDir, original: string, picture: Sides) {
  const facts = { ...picture, alpha: false, animated: false };
  const made = async (from: string, format: Format) =>
    pixelsOf(await make(dir, from, { size: "sm", format, picture }));
  const truth = await made(original, "png");
  const worst = { loss: -1, direct: 1, derived: 1, colour: 0, by: "" };
  for (const by of LOSSY) {
    expect(isSufficient(source("md", by, 1), target("sm", "jpg", facts))).toBe(true);
    const middle = await make(dir, original, { size: "md", format: by, picture });
    for (const format of LOSSY) {
      const [a, b] = [await made(original, format), await made(middle, format)];
      const [direct, derived] = [ssim(truth, a), ssim(truth, b)];
      worst.direct = Math.min(worst.direct, direct);
      worst.derived = Math.min(worst.derived, derived);
      if (direct - derived > worst.loss) {
        Object.assign(worst, { loss: direct - derived, by: `${by} to ${format}` });
      }
      const colour =
        Math.max(...colourDistances(truth, b)) - Math.max(...colourDistances(truth, a));
      worst.colour = Math.max(worst.colour, colour);
    }
  }
  return worst;
}

describe("the measures", () => {
  const raw = { width: 256, height: 192, channels: 3 as const };
  const drawn = () => sharp(drawRaw(256, 192), { raw });

  test("of a picture and itself are 1 and 0", async () => {
    const one = await pixelsOf(await drawn().png().toBuffer());
    expect(ssim(one, one)).toBe(1);
    expect(Math.max(...colourDistances(one, one))).toBe(0);
  });

  test("show blur, noise and a tint, more of each as more", async () => {
    const one = await pixelsOf(await drawn().png().toBuffer());
    const [little, much] = await Promise.all(
      [0.6, 4].map(async (sigma) => pixelsOf(await drawn().blur(sigma).png().toBuffer())),
    );
    if (little === undefined || much === undefined) throw new Error("missing");
    expect(ssim(one, little)).toBeGreaterThan(ssim(one, much));
    const warm = await pixelsOf(await drawn().linear([1.1, 1, 0.9], [0, 0, 0]).png().toBuffer());
    expect(Math.max(...colourDistances(one, warm))).toBeGreaterThan(2 * COLOUR_LOSS_MOST);
  });

  test("of colours are those of the published pairs", () => {
    const pairs = [
      [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
      [[50, 0, 0], [50, -1, 2], 2.3669],
      [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
      [[50, 2.5, 0], [73, 25, -18], 27.1492],
      [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
      [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
    ] as const;
    for (const [a, b, expected] of pairs) expect(ciede2000(a, b)).toBeCloseTo(expected, 4);
  });
});

test("a drawn picture", async () => {
  using dir = makeTempDir();
  const raw = { width: 1600, height: 1200, channels: 3 as const };
  const bytes = await sharp(drawRaw(1600, 1200), { raw }).jpeg({ quality: 95 }).toBuffer();
  const worst = await compare(dir, dir.write("p.jpg", bytes), { width: 1600, height: 1200 });
  expect(worst.loss).toBeLessThan(SSIM_LOSS_MOST);
  expect(worst.derived).toBeGreaterThan(SSIM_LEAST);
  expect(worst.colour).toBeLessThan(COLOUR_LOSS_MOST);
});

const some = ["phone.jpg", "kodak-06.png"];
const every = Array.from({ length: 12 }, (_, i) => `kodak-${String(i + 1).padStart(2, "0")}.png`);
const files =
  process.env["MIR_QUALITY"] === "all"
    ? [...every, "cmyk.jpg", "phone.jpg", "street-2725x2225.jpg"]
    : some;

describe.if(existsSync(PHOTOS))("a photograph", () => {
  for (const file of new Set(files)) {
    test(file, async () => {
      using dir = makeTempDir();
      const original = join(PHOTOS, file);
      const { autoOrient } = await sharp(original).metadata();
      const worst = await compare(dir, original, autoOrient);
      if (files !== some) process.stdout.write(`${file} ${JSON.stringify(worst)}\n`);
      expect(worst.loss).toBeLessThan(SSIM_LOSS_MOST);
      expect(worst.derived).toBeGreaterThan(SSIM_LEAST);
      expect(worst.colour).toBeLessThan(COLOUR_LOSS_MOST);
    }, 30_000);
  }
});
