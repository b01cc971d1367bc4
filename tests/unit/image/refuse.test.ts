/** What an image worker refuses, and with which code: damage, limits, formats that are not decoded. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { FORMATS } from "../../../src/base/variant.ts";
import type { FaultResult, ImageJob, MakeJob } from "../../../src/image/job.ts";
import { runJob } from "../../../src/image/make.ts";
import {
  drawAnimation,
  drawNoise,
  JOB_LIMITS,
  makeJob,
  pngHeader,
} from "../../support/image-jobs.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const SHARP_NAMES = { jpg: "jpeg", png: "png", webp: "webp", avif: "avif", gif: "gif" } as const;
const PHOTOS = resolve(import.meta.dir, "../../../../shared/photos");

async function refused(job: ImageJob): Promise<FaultResult> {
  const outcome = await runJob(job);
  if (outcome.kind !== "fault") throw new Error(`not refused: ${JSON.stringify(outcome)}`);
  expect(outcome.message).not.toContain("/");
  if (job.kind === "make") expect(existsSync(job.target)).toBe(false);
  return outcome;
}

function jobOf(
  dir: TempDir,
  bytes: string | Uint8Array,
  more: Parameters<typeof makeJob>[2] = {},
): MakeJob {
  const name = crypto.randomUUID();
  return makeJob(dir.write(name, bytes), join(dir.path, `${name}.out`), more);
}

const noise = await drawNoise(300, 200);

describe("a file cut short is undecodable", () => {
  for (const format of FORMATS) {
    test(format, async () => {
      using dir = makeTempDir();
      const whole = await sharp(noise).toFormat(SHARP_NAMES[format], { effort: 1 }).toBuffer();
      for (const part of [0.02, 0.1, 0.5, 0.9, 0.99]) {
        const cut = whole.subarray(0, Math.ceil(whole.length * part));
        const { code } = await refused(jobOf(dir, cut));
        expect({ part, code }).toEqual({ part, code: "undecodable" });
      }
      expect((await runJob(jobOf(dir, whole))).kind).toBe("made");
    });
  }

  test("an animation cut in its last frame", async () => {
    using dir = makeTempDir();
    for (const format of ["gif", "webp"] as const) {
      const whole = await drawAnimation(format, { delay: [50, 50, 50], loop: 0 });
      for (const missing of [3, 12, 40]) {
        const cut = whole.subarray(0, whole.length - missing);
        expect((await refused(jobOf(dir, cut, { format: "webp" }))).code).toBe("undecodable");
      }
    }
  });
});

/** Where the second segment of the JPEG begins. */
const second = 4 + noise.readUInt16BE(4);

describe("harmless oddities of real files are not refused", () => {
  const cases = [
    [
      "fill bytes between segments",
      [noise.subarray(0, 2), Buffer.from([255, 255]), noise.subarray(2)],
    ],
    ["rubbish behind the end", [noise, Buffer.alloc(1000, 7)]],
    [
      "an unknown segment",
      [noise.subarray(0, 2), Buffer.from([255, 0xeb, 0, 4, 1, 2]), noise.subarray(2)],
    ],
    [
      "stray bytes before a segment",
      [noise.subarray(0, second), Buffer.alloc(3), noise.subarray(second)],
    ],
  ] as const;
  for (const [name, parts] of cases) {
    test(name, async () => {
      using dir = makeTempDir();
      expect(await runJob(jobOf(dir, Buffer.concat(parts)))).toMatchObject({ kind: "made" });
    });
  }

  test("a GIF without its trailer", async () => {
    using dir = makeTempDir();
    const whole = await drawAnimation("gif", { delay: [50, 50], loop: 0 });
    const job = jobOf(dir, whole.subarray(0, -1), { format: "webp" });
    expect(await runJob(job)).toMatchObject({ kind: "made" });
  });
});

describe("what is no picture that is decoded here", () => {
  const cases: readonly (readonly [string, string, string | Uint8Array])[] = [
    ["an empty file", "undecodable", ""],
    ["text", "undecodable", "hello"],
    ["a PDF", "undecodable", "%PDF-1.7\n1 0 obj"],
    [
      "an SVG",
      "unsupported_image",
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    ],
    ["an iPhone's HEIC", "heic_unsupported", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
    ["magic bytes and nothing behind them", "undecodable", "GIF89a"],
    [
      "a PNG with a JPEG inside",
      "undecodable",
      Buffer.concat([pngHeader(4, 4).subarray(0, 33), noise]),
    ],
  ];
  for (const [name, code, bytes] of cases) {
    test(`${name}: ${code}`, async () => {
      using dir = makeTempDir();
      expect((await refused(jobOf(dir, bytes))).code as string).toBe(code);
      const { source, limits } = jobOf(dir, bytes);
      expect((await refused({ kind: "probe", source, limits })).code as string).toBe(code);
    });
  }

  test("a TIFF: unsupported_image", async () => {
    using dir = makeTempDir();
    const { code } = await refused(jobOf(dir, await sharp(noise).tiff().toBuffer()));
    expect(code).toBe("unsupported_image");
  });

  test("the decoders that are not wanted are blocked in an image worker, not merely unasked", async () => {
    using dir = makeTempDir();
    const picture = await sharp(noise).tiff().toBuffer();
    const paths = [
      dir.write("p.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      dir.write("p.tiff", picture),
      dir.write("p.ppm", "P3 1 1 255 1 2 3\n"),
      dir.write("p.jpg", noise),
      dir.write("p.avif", await sharp(noise).avif({ effort: 0 }).toBuffer()),
    ];
    const program = `
      const { restrictSharp } = await import(${JSON.stringify(resolve("src/image/picture.ts"))});
      const sharp = (await import("sharp")).default;
      restrictSharp();
      const tries = ${JSON.stringify(paths)}.map((p) => sharp(p).metadata().then(() => "decodes", () => "blocked"));
      console.log((await Promise.all(tries)).join(" "));
    `;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", program]);
    expect(stdout.toString().trim()).toBe("blocked blocked blocked decodes decodes");
  });
});

describe("limits", () => {
  test("a header that claims 60000x60000 is refused before anything is decoded", async () => {
    using dir = makeTempDir();
    expect((await refused(jobOf(dir, pngHeader(60_000, 60_000)))).code).toBe("image_too_large");
  });

  test("pixels of one frame", async () => {
    using dir = makeTempDir();
    const over = jobOf(dir, noise, { limits: { pixels: 300 * 200 - 1 } });
    expect(await refused(over)).toMatchObject({
      code: "image_too_large",
      message: "the picture has 60000 pixels, 59999 are allowed",
    });
    expect((await runJob(jobOf(dir, noise, { limits: { pixels: 300 * 200 } }))).kind).toBe("made");
  });

  test("a side longer than a slot of the index can hold", async () => {
    using dir = makeTempDir();
    expect((await refused(jobOf(dir, pngHeader(65_536, 1)))).code).toBe("image_too_large");
  });

  test("bytes of the source", async () => {
    using dir = makeTempDir();
    const over = jobOf(dir, noise, { limits: { sourceBytes: noise.length - 1 } });
    expect((await refused(over)).code).toBe("image_too_large");
    const at = jobOf(dir, noise, { limits: { sourceBytes: noise.length } });
    expect((await runJob(at)).kind).toBe("made");
  });

  test("bytes of the variant", async () => {
    using dir = makeTempDir();
    expect((await refused(jobOf(dir, noise, { limits: { outputBytes: 500 } }))).code).toBe(
      "image_too_large",
    );
  });

  test("frames, where all are wanted; a still of the first is made all the same", async () => {
    using dir = makeTempDir();
    const animation = await drawAnimation("gif", { delay: [50, 50, 50], loop: 0 });
    const limits = { frames: 2 };
    const over = jobOf(dir, animation, { format: "webp", limits });
    expect((await refused(over)).code).toBe("image_too_large");
    expect((await runJob(jobOf(dir, animation, { format: "jpg", limits }))).kind).toBe("made");
    const at = jobOf(dir, animation, { format: "gif", limits: { frames: 3 } });
    expect((await runJob(at)).kind).toBe("made");
  });

  test("pixels of all frames together", async () => {
    using dir = makeTempDir();
    const animation = await drawAnimation("webp", { delay: [50, 50, 50], loop: 0 });
    const over = jobOf(dir, animation, { format: "gif", limits: { animatedPixels: 1799 } });
    expect((await refused(over)).code).toBe("image_too_large");
    const at = jobOf(dir, animation, { format: "gif", limits: { animatedPixels: 1800 } });
    expect((await runJob(at)).kind).toBe("made");
  });
});

describe("files that are not there", () => {
  test("a source that was evicted meanwhile may be asked for again", async () => {
    using dir = makeTempDir();
    const { code } = await refused(makeJob(join(dir.path, "gone"), join(dir.path, "t")));
    expect(code).toBe("image_failed");
  });

  test("a target that cannot be written, for which there may be another place", async () => {
    using dir = makeTempDir();
    const job = makeJob(dir.write("p.jpg", noise), join(dir.path, "gone", "t"));
    expect((await refused(job)).code).toBe("unwritable");
  });
});

describe.if(existsSync(PHOTOS))("real files", () => {
  test("damaged ones are refused, the others are made", async () => {
    using dir = makeTempDir();
    const files = readdirSync(PHOTOS).filter((name) => !name.endsWith(".md"));
    for (const name of files) {
      const job = jobOf(dir, readFileSync(join(PHOTOS, name)), { limits: JOB_LIMITS });
      const { kind } = await runJob(job);
      expect({ name, kind }).toEqual({ name, kind: name.startsWith("bad-") ? "fault" : "made" });
    }
  });
});
