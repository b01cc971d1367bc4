/**
 * What variants of a photograph cost, and how like it they are: milliseconds of processor time, bytes, SSIM to the original's own
 * pixels at that size; efforts of avif and gif against each other; thumbnails from the nearest variant and from the original.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import type { Format } from "../src/base/variant.ts";
import { encodingOf } from "../src/image/encoding.ts";
import { outputSides } from "../src/image/fit.ts";
import type { MakeJob } from "../src/image/job.ts";
import { runJob } from "../src/image/make.ts";
import { restrictSharp } from "../src/image/picture.ts";
import { makeJob } from "../tests/support/image-jobs.ts";
import { colourDistances, type Pixels, pixelsOf, ssim } from "../tests/support/likeness.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { BOXES, type ClassName, shapeOf } from "../tests/support/plan-cases.ts";

const PHOTO = resolve(import.meta.dir, "../../shared/photos/phone.jpg");
const ROUNDS = Number(process.env["MIR_ROUNDS"] ?? 3);
const CLASSES = ["xs", "sm", "md", "lg", "xl"] as const satisfies readonly ClassName[];
/** As `[image]` is by default. */
const SITE = {
  sizes: CLASSES.map((name) => ({ name, width: BOXES[name][0], height: BOXES[name][1] })),
  image: {
    policy: "snap",
    exactSizes: [],
    autoFormats: ["avif", "webp"],
    quality: { jpg: 80, webp: 79, avif: 50 },
    avifEffort: 2,
  },
} as const;

const dir = mkdtempSync(join(tmpdir(), "mir-images-"));
try {
  restrictSharp();
  await run();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const source = existsSync(PHOTO) ? PHOTO : join(dir, "drawn.jpg");
  if (source !== PHOTO) await Bun.write(source, await drawJpeg({ width: 4032, height: 3024 }));
  const { autoOrient: picture } = await sharp(source).metadata();
  console.log(
    `${picture.width}x${picture.height}, ${Bun.file(source).size} bytes, ${ROUNDS} rounds\n`,
  );
  await classes(source, picture);
  await efforts(source, picture);
  await smaller(source, picture);
}

interface Sides {
  readonly width: number;
  readonly height: number;
}

interface Cost {
  readonly ms: number;
  readonly bytes: number;
  readonly path: string;
}

async function classes(source: string, picture: Sides): Promise<void> {
  console.log(
    "| class | format | ms | KB | SSIM | ΔE2000 mean | worst |\n|---|---|---|---|---|---|---|",
  );
  for (const size of CLASSES) {
    const truth = await pixelsOf((await cost(source, jobOf(size, "png", picture))).path);
    for (const format of ["jpg", "webp", "avif", "png", "gif"] as const) {
      const made = await cost(source, jobOf(size, format, picture));
      console.log(`| ${size} | ${format} | ${figures(made)} | ${await likeness(truth, made)} |`);
    }
  }
  const tiny = { ...jobOf("placeholder", "webp", picture), bytesMax: 400 };
  const { ms, bytes } = await cost(source, tiny);
  console.log(`| placeholder | webp | ${ms.toFixed(0)} | ${bytes} bytes | | | |\n`);
}

async function efforts(source: string, picture: Sides): Promise<void> {
  console.log(
    "| xl | effort | ms | KB | SSIM | ΔE2000 mean | worst |\n|---|---|---|---|---|---|---|",
  );
  const truth = await pixelsOf((await cost(source, jobOf("xl", "png", picture))).path);
  for (const effort of [0, 1, 2]) {
    const made = await cost(source, { ...jobOf("xl", "avif", picture), effort });
    console.log(`| avif | ${effort} | ${figures(made)} | ${await likeness(truth, made)} |`);
  }
  console.log("");
}

async function smaller(source: string, picture: Sides): Promise<void> {
  console.log("| thumbnail | from | ms | of the original's |\n|---|---|---|---|");
  for (const format of ["jpg", "webp", "avif"] as const) {
    const job = jobOf("sm", format, picture);
    const whole = await cost(source, job);
    console.log(`| sm ${format} | original | ${whole.ms.toFixed(1)} | 1 |`);
    for (const by of ["jpg", "webp", "avif"] as const) {
      const middle = await cost(source, jobOf("md", by, picture), 1);
      const { ms } = await cost(middle.path, { ...job, picture });
      console.log(
        `| sm ${format} | md ${by} | ${ms.toFixed(1)} | 1/${(whole.ms / ms).toFixed(1)} |`,
      );
    }
  }
}

type Wish = Omit<MakeJob, "kind" | "source" | "target" | "limits" | "cropped">;

function jobOf(size: ClassName, format: Format, picture: Sides): Wish {
  const shape = shapeOf(size);
  return { ...shape, format, ...encodingOf(SITE, { size, format }, outputSides(picture, shape)) };
}

/** The median of several rounds, in time of the processor: others may use it too. */
async function cost(source: string, wish: Wish, rounds = ROUNDS): Promise<Cost> {
  const path = join(dir, crypto.randomUUID());
  const times: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    const outcome = await runJob(makeJob(source, path, wish));
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
    if (outcome.kind !== "made") throw new Error(JSON.stringify(outcome));
    bytes = outcome.bytes;
  }
  times.sort((a, b) => a - b);
  return { ms: times[times.length >> 1] ?? 0, bytes, path };
}

function figures({ ms, bytes }: Cost): string {
  return `${ms.toFixed(0)} | ${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)}`;
}

async function likeness(truth: Pixels, { path }: Cost): Promise<string> {
  const pixels = await pixelsOf(path);
  const distances = colourDistances(truth, pixels);
  const mean = distances.reduce((sum, d) => sum + d, 0) / distances.length;
  return `${ssim(truth, pixels).toFixed(3)} | ${mean.toFixed(2)} | ${Math.max(...distances).toFixed(2)}`;
}
