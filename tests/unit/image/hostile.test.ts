/**
 * Files that mean harm, given to real image workers: whatever they hold, the worker lives, and says what is wrong.
 * `MIR_MUTATIONS=10000` tries that many, of the photographs in ../shared/photos too; `MIR_SEED` begins elsewhere.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { asFault } from "../../../src/base/fault.ts";
import { FORMATS, type Format } from "../../../src/base/variant.ts";
import type { MakeJob } from "../../../src/image/job.ts";
import {
  avifHolding,
  avifSaying,
  gifOf,
  jpegSaying,
  mutated,
  pngSaying,
  seeded,
  webpSaying,
} from "../../support/hostile-files.ts";
import { drawAnimation, makeJob, pngHeader } from "../../support/image-jobs.ts";
import { startPool, type Tried } from "../../support/image-pool.ts";
import { drawRaw } from "../../support/pictures.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const PHOTOS = resolve(import.meta.dir, "../../../../shared/photos");
const LONG = Number(process.env["MIR_MUTATIONS"] ?? 0);
const MUTATIONS = LONG || 250;
const SEED = Number(process.env["MIR_SEED"] ?? 1);
const LONG_MS = 1_800_000;
const SHARP_NAMES = { jpg: "jpeg", png: "png", webp: "webp", avif: "avif", gif: "gif" } as const;
/** What a picture may be refused with: never 500, and 503 only where it cost a worker. */
const REFUSALS = new Set([
  "undecodable",
  "unsupported_image",
  "heic_unsupported",
  "image_too_large",
]);

let dir: TempDir;
let tried: Tried;
const small = {} as Record<Format, Buffer>;

beforeAll(async () => {
  dir = makeTempDir();
  tried = startPool({ workers: 2, queueMax: 1000, jobMs: 10_000 });
  const raw = { width: 64, height: 48, channels: 4 as const };
  for (const format of FORMATS) {
    const picture = sharp(drawRaw(64, 48, 4), { raw });
    small[format] = await picture.toFormat(SHARP_NAMES[format], { effort: 1 }).toBuffer();
  }
});

afterAll(async () => {
  await tried?.[Symbol.asyncDispose]();
  dir?.[Symbol.dispose]();
});

type Made = "made" | string;

/** `made`, or the code it was refused with. */
async function outcomeOf(bytes: Uint8Array, more: Partial<MakeJob> = {}): Promise<Made> {
  const name = crypto.randomUUID();
  const job = makeJob(dir.write(name, bytes), join(dir.path, `${name}.out`), more);
  try {
    const made = await tried.pool.run(job, { deadlineMs: 60_000 });
    return made.kind;
  } catch (error) {
    return asFault(error).code;
  }
}

/** Two at a time, in order; each name of an outcome that is no ordinary one is kept with its file. */
async function tryAll(files: Iterable<Buffer>): Promise<Map<string, number>> {
  const counted = new Map<string, number>();
  const rest = files[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const format = FORMATS[counted.size % FORMATS.length] ?? "jpg";
      const outcome = await outcomeOf(next.value, { format });
      counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
      if (outcome === "made" || REFUSALS.has(outcome)) continue;
      const kept = join(process.env["MIR_KEEP"] ?? dir.path, `hostile-${crypto.randomUUID()}`);
      writeFileSync(kept, next.value);
    }
  };
  await Promise.all([work(), work()]);
  return counted;
}

function expectOrdinary(counted: Map<string, number>): void {
  const odd = [...counted].filter(([code]) => code !== "made" && !REFUSALS.has(code));
  expect(odd).toEqual([]);
  expect(tried.counted("image_worker_restart")).toBe(0);
}

describe("headers that lie", () => {
  const SIDES = [
    [1, 1],
    [63, 48],
    [65, 49],
    [9000, 9000],
    [60_000, 60_000],
  ] as const;
  const liars = {
    avif: avifSaying,
    webp: webpSaying,
    jpg: jpegSaying,
    png: pngSaying,
  } as const;
  for (const [format, lie] of Object.entries(liars)) {
    test(`of a ${format} are found out`, async () => {
      const honest = small[format as keyof typeof liars];
      expect(await outcomeOf(lie(honest, 64, 48))).toBe("made");
      for (const [width, height] of SIDES) {
        const outcome = await outcomeOf(lie(honest, width, height));
        // rows that are missing in a JPEG are grey, rows too many in a PNG unread: browsers show both
        const shown = format === "jpg" || (format === "png" && width < 64);
        expect(["undecodable", "image_too_large", ...(shown ? ["made"] : [])]).toContain(outcome);
        if (width === 60_000) expect(outcome).not.toBe("made");
      }
      expect(tried.counted("image_worker_restart")).toBe(0);
    });
  }
});

describe("bombs", () => {
  test("a PNG of 60,000 x 60,000 is refused by its header, made or looked at", async () => {
    const bomb = pngHeader(60_000, 60_000);
    expect(await outcomeOf(bomb)).toBe("image_too_large");
  });

  test("a GIF of 10,000 frames is refused where all are wanted, and its first frame is not", async () => {
    const bomb = gifOf(10_000);
    expect(await outcomeOf(gifOf(10), { format: "webp" })).toBe("made");
    expect(await outcomeOf(bomb, { format: "webp" })).toBe("image_too_large");
    expect(await outcomeOf(bomb, { format: "jpg" })).toBe("made");
  });

  test("frames that are small to store and large to make are refused before they are made", async () => {
    const animation = await drawAnimation("gif", { delay: [40, 50, 60], loop: 0 });
    const job = { format: "gif", box: { width: 30, height: 20 } } as const;
    const limits = makeJob("", "", {}).limits;
    const at = { ...limits, animatedGifPixels: 1800, animatedWebpPixels: 1800 };
    const over = { ...limits, animatedGifPixels: 1799, animatedWebpPixels: 1799 };
    for (const format of ["gif", "webp"] as const) {
      expect(await outcomeOf(animation, { ...job, format, limits: at })).toBe("made");
      expect(await outcomeOf(animation, { ...job, format, limits: over })).toBe("image_too_large");
    }
    expect(await outcomeOf(animation, { ...job, format: "png", limits: over })).toBe("made");
  });
});

describe("one format inside another", () => {
  for (const item of ["jpeg", "hvc1", "avc1", "unci", "grid", "iden", "iovl", "tili", "mime"]) {
    test(`an AVIF that holds ${item} is no picture`, async () => {
      expect(await outcomeOf(avifHolding(small.avif, item))).toBe("undecodable");
    });
  }

  test("a picture with a page, an archive or a program behind it is the picture, without them", async () => {
    const behind = ["<script>alert(1)</script>", "PK\x03\x04", "%PDF-1.7", "#!/bin/sh\nrm -rf /"];
    for (const format of ["jpg", "png", "webp"] as const) {
      for (const text of behind) {
        const name = crypto.randomUUID();
        const target = join(dir.path, `${name}.out`);
        const bytes = Buffer.concat([small[format], Buffer.from(text)]);
        const job = makeJob(dir.write(name, bytes), target, { format });
        await tried.pool.run(job, { deadlineMs: 60_000 });
        expect(readFileSync(target, "latin1")).not.toContain(text);
      }
    }
  });

  test("what a picture says of itself is neither followed nor passed on", async () => {
    const secret = dir.write("secret", "not for everybody");
    const named = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><a href="file://${secret}"/></x:xmpmeta>`;
    const exif = { IFD0: { ImageDescription: secret, Artist: `file://${secret}` } };
    const told = await sharp(small.png).jpeg().withExif(exif).withXmp(named).toBuffer();
    expect(told.toString("latin1")).toContain(secret);
    for (const format of FORMATS) {
      const target = join(dir.path, `told.${format}`);
      await tried.pool.run(makeJob(dir.write("told", told), target, { format }), {
        deadlineMs: 60_000,
      });
      const made = readFileSync(target, "latin1");
      expect(made).not.toContain("secret");
      expect(made).not.toContain("not for everybody");
    }
  });

  test("drawings and pages that name files are not read at all", async () => {
    const secret = dir.write("secret.png", small.png);
    const image = `<image href="file://${secret}" width="9" height="9"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${image}</svg>`;
    expect(await outcomeOf(Buffer.from(svg))).toBe("unsupported_image");
    expect(await outcomeOf(Buffer.from(`%!PS\n(${secret}) run`))).toBe("undecodable");
    expect(
      await outcomeOf(Buffer.from(`push graphic-context\nimage over 0,0 0,0 '${secret}'`)),
    ).toBe("undecodable");
  });
});

function* cuts(bytes: Buffer): Generator<Buffer> {
  for (let part = 0; part < 100; part++) {
    yield bytes.subarray(0, Math.floor((bytes.length * part) / 100));
  }
}

describe("a file cut at every hundredth", () => {
  for (const format of FORMATS) {
    test(`${format} is refused, or whole as far as pixels go`, async () => {
      const counted = await tryAll(cuts(small[format]));
      expectOrdinary(counted);
      expect(counted.get("undecodable") ?? 0).toBeGreaterThanOrEqual(95);
    });
  }
});

const photos = (LONG > 0 && existsSync(PHOTOS) ? readdirSync(PHOTOS) : [])
  .filter((name) => /^(?!bad-).*\.(?:jpg|png|gif|webp)$/.test(name))
  .map((name) => readFileSync(join(PHOTOS, name)))
  .filter((bytes) => bytes.length < 800_000);

test.if(photos.length > 0)(
  "photographs cut at every hundredth harm nobody",
  async () => {
    const all = function* (): Generator<Buffer> {
      for (const bytes of photos) yield* cuts(bytes);
    };
    const counted = await tryAll(all());
    process.stdout.write(`cuts: ${JSON.stringify([...counted])}\n`);
    expectOrdinary(counted);
  },
  LONG_MS,
);

test(
  `${MUTATIONS} files with changed bytes harm nobody`,
  async () => {
    const animated = await Promise.all(
      (["gif", "webp"] as const).map((f) => drawAnimation(f, { delay: [40, 50, 60], loop: 0 })),
    );
    // most of the small ones, which say as much in a hundredth of the time
    const files = [...Object.values(small), ...animated];
    const random = seeded(SEED);
    const all = function* (): Generator<Buffer> {
      for (let i = 0; i < MUTATIONS; i++) {
        yield mutated(photos.length > 0 && i % 8 === 0 ? photos : files, random);
      }
    };
    const counted = await tryAll(all());
    if (LONG > 0) process.stdout.write(`seed ${SEED}: ${JSON.stringify([...counted])}\n`);
    expectOrdinary(counted);
    expect(await outcomeOf(small.jpg)).toBe("made");
  },
  LONG_MS,
);
