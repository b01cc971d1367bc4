/** Real photographs, when the folder `../shared/photos` beside the checkout is there. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import sharp from "sharp";
import { membersOf, outcomeOf } from "../support/cache-status.ts";
import { colourDistances, type Pixels, pixelsOf } from "../support/likeness.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";

const PHOTOS = resolve(import.meta.dir, "../../../shared/photos");
const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
const BOXES = {
  xs: [160, 160],
  sm: [320, 240],
  md: [1024, 768],
  lg: [2048, 1536],
  xl: [4096, 3072],
} as const;
const EXTS = ["jpg", "webp", "avif", "png", "gif", "auto"] as const;
/** Formats that take long, made of these: a large photograph, one on its side, one in CMYK, what moves. */
const SLOW: readonly string[] = ["png", "gif"];
const ALL_FORMATS = /^(?:phone|cmyk|exif-orientation-6|kodak-08|rotating-.*)\./;
/** CIEDE2000 between 64 parts of an answer and of its source: their mean, and the worst of them. */
const COLOUR_MOST: Readonly<Record<string, readonly [number, number]>> = {
  jpg: [1, 4],
  webp: [1, 4],
  avif: [1.5, 6],
  png: [0.5, 2],
  gif: [2, 8],
};
const present = existsSync(PHOTOS);
const files = present ? readdirSync(PHOTOS).filter((f) => /\.(jpg|png|gif|webp)$/.test(f)) : [];
const good = files.filter((f) => !f.startsWith("bad-"));
const damaged = files.filter((f) => f.startsWith("bad-"));

/** Upright size of a source file, one frame. */
async function uprightSize(file: string): Promise<{ width: number; height: number }> {
  const { width, height, pageHeight, orientation = 1 } = await sharp(join(PHOTOS, file)).metadata();
  const tall = pageHeight ?? height;
  return orientation >= 5 ? { width: tall, height: width } : { width, height: tall };
}

/** What decoders call some of our formats. */
const NAMES: Readonly<Record<string, string>> = { jpeg: "jpg", heif: "avif" };
/** Pixels a side at which colours are compared. */
const COLOURS_AT = 256;
const worst = new Map<string, { mean: number; most: number }>();

function expectColours(path: string, original: Pixels, answer: Pixels, format: string): void {
  const ext = NAMES[format] ?? format;
  const distances = colourDistances(original, answer);
  const mean = distances.reduce((sum, d) => sum + d, 0) / distances.length;
  const most = Math.max(...distances);
  const before = worst.get(ext) ?? { mean: 0, most: 0 };
  worst.set(ext, { mean: Math.max(before.mean, mean), most: Math.max(before.most, most) });
  const [meanMost, partMost] = COLOUR_MOST[ext] ?? [0, 0];
  expect({ path, close: mean < meanMost && most < partMost, mean, most }).toMatchObject({
    path,
    close: true,
  });
}

function totalMs({ delay = [] }: { readonly delay?: readonly number[] | undefined }): number {
  return delay.reduce((sum, ms) => sum + ms, 0);
}

describe.if(present)("real photographs", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh({
      edges: EDGES,
      regionals: ["regional-1", "regional-2"],
      origin: { origin_dir: PHOTOS },
      server: { workers: 1, image_workers: 2 },
      // no copies: it is asked here what lies with whom
      tables: { limits: { job_ms: 30_000, stand_in_ms: 30_000 }, hot: { replicate: false } },
    });
  });
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  for (const file of good) {
    const id = basename(file, extname(file));
    test(`${file} at every class in every format, then as a hit`, async () => {
      const size = await uprightSize(file);
      const original = await pixelsOf(join(PHOTOS, file), COLOURS_AT);
      for (const [name, [boxWidth, boxHeight]] of Object.entries(BOXES)) {
        const scale = Math.min(1, boxWidth / size.width, boxHeight / size.height);
        for (const ext of EXTS) {
          if (SLOW.includes(ext) && !ALL_FORMATS.test(file)) continue;
          // four seconds of a core, which a busy machine makes longer than a job may take
          if (ext === "gif" && name === "xl" && file === "phone.jpg") continue;
          const path = `/puddle/${id}/${name}/x.${ext}`;
          const headers = { accept: "image/webp,*/*" };
          const first = await mesh.get("edge-1", path, { headers });
          expect({ path, status: first.status }).toEqual({ path, status: 200 });
          const etag = first.headers.get("etag");
          const body = Buffer.from(await first.arrayBuffer());
          const decoded = await sharp(body).metadata();
          expect(Math.abs(decoded.width - size.width * scale)).toBeLessThanOrEqual(1);
          expect(
            Math.abs((decoded.pageHeight ?? decoded.height) - size.height * scale),
          ).toBeLessThanOrEqual(1);
          expectColours(path, original, await pixelsOf(body, COLOURS_AT), decoded.format);
          const again = await mesh.get("edge-1", path, { headers });
          await again.bytes();
          expect(again.headers.get("etag")).toBe(etag ?? "none");
          // the second answer is a hit, here or at the owner it is streamed from
          expect(membersOf(again).some((m) => m.hit)).toBe(true);
        }
      }
    }, 120_000);
  }

  test.if(process.env["MIR_QUALITY"] !== undefined)("their colours, for the record", () => {
    process.stdout.write(`${JSON.stringify([...worst])}\n`);
  });

  test("a request at another edge is streamed from the owner and counted as such", async () => {
    const answers = await Promise.all(
      EDGES.map((edge) => mesh.get(edge, "/puddle/kodak-01/md/x.jpg")),
    );
    await Promise.all(answers.map((a) => a.bytes()));
    expect(answers.map(outcomeOf).sort()).toEqual(["hit", "peer", "peer"]);
  });

  test("pictures that lie on their side come upright: the three orientations agree", async () => {
    const pixels = await Promise.all(
      [3, 6, 8].map(async (n) => {
        const answer = await mesh.get("edge-2", `/puddle/exif-orientation-${n}/sm/x.png`);
        const { width, height } = await uprightSize(`exif-orientation-${n}.jpg`);
        const decoded = sharp(Buffer.from(await answer.arrayBuffer()));
        const meta = await decoded.metadata();
        expect(meta.width > meta.height).toBe(width > height);
        return decoded.resize(16, 16, { fit: "fill" }).removeAlpha().greyscale().raw().toBuffer();
      }),
    );
    const distance = (a: Buffer, b: Buffer): number =>
      a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
    const [three, six, eight] = pixels;
    if (three === undefined || six === undefined || eight === undefined) throw new Error("missing");
    expect(distance(six, eight)).toBeLessThan(12);
    expect(distance(three, six)).toBeLessThan(12);
  });

  test("animated pictures stay animated in formats that can, with the times of their frames", async () => {
    for (const file of ["rotating-gif.gif", "rotating-webp.webp"]) {
      const source = await sharp(join(PHOTOS, file)).metadata();
      for (const ext of ["webp", "gif"]) {
        const id = basename(file, extname(file));
        const answer = await mesh.get("edge-3", `/puddle/${id}/xs/x.${ext}`);
        const made = await sharp(await answer.bytes()).metadata();
        // frames that are the same once they are small become one that stays as long
        expect([ext, totalMs(made), made.loop]).toEqual([ext, totalMs(source), source.loop]);
        expect(made.pages ?? 1).toBeGreaterThan(1);
      }
    }
  });

  for (const file of damaged) {
    test(`${file} is answered 422 and the node lives on`, async () => {
      const id = basename(file, extname(file));
      const answer = await mesh.get("edge-1", `/puddle/${id}/md/x.jpg`);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toHaveProperty("error.code");
      const fine = await mesh.get("edge-1", "/puddle/kodak-02/md/x.jpg");
      expect(fine.status).toBe(200);
      await fine.bytes();
    });
  }
});

describe.if(!present)("real photographs", () => {
  test("are not here: the folder ../shared/photos is missing, drawn pictures stand in elsewhere", () => {
    expect(files).toEqual([]);
  });
});
