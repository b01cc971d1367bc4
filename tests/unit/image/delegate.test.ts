/** Image work handed to a service over real HTTP: what it is sent, what is believed of its answers, and who does it instead. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import sharp from "sharp";
import { BREAKER } from "../../../src/base/breaker.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Facts } from "../../../src/base/variant.ts";
import { makeDelegate } from "../../../src/image/delegate.ts";
import { heifFacts } from "../../../src/image/heif-facts.ts";
import type { MakeJob } from "../../../src/image/job.ts";
import { JOB_LIMITS, makeJob } from "../../support/image-jobs.ts";
import { faultOf, startPool, type Tried } from "../../support/image-pool.ts";
import {
  drawAsked,
  heicHeader,
  type ImageService,
  startImageService,
} from "../../support/image-service.ts";
import { drawRaw } from "../../support/pictures.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { watchedParts } from "../../support/watched-parts.ts";

// image workers run at the lowest priority: beside other work everything takes its time
setDefaultTimeout(60_000);

const patient = { deadlineMs: 15_000 };
const PHOTO: Facts = { width: 1200, height: 900, alpha: false, animated: false };
const PHONE: Facts = { width: 3024, height: 4032, alpha: false, animated: false };
let dir: TempDir;
let photo: string;
let heic: string;
let tried: Tried;

beforeAll(async () => {
  dir = makeTempDir();
  const raw = { width: 1200, height: 900, channels: 3 } as const;
  photo = dir.write("photo.jpg", await sharp(drawRaw(1200, 900), { raw }).jpeg().toBuffer());
  heic = dir.write("phone.heic", heicHeader({ width: 4032, height: 3024, turn: 1 }));
  tried = startPool({ workers: 1 });
});
afterAll(async () => {
  await tried.pool.close();
  dir[Symbol.dispose]();
});

const target = (): string => join(dir.path, crypto.randomUUID());
const job = (more: Partial<MakeJob> = {}): MakeJob =>
  makeJob(photo, target(), { shows: PHOTO, of: "ab/cd/ef/orig/abcdef.jpg", ...more });
const heicJob = (): MakeJob =>
  makeJob(heic, target(), { shows: PHONE, of: "ab/cd/ef/orig/phones.heic" });

function start(service: ImageService, more: { readonly waitMs?: number } = {}) {
  const watched = watchedParts();
  const { counters, log, clock } = watched;
  const { pool } = tried;
  const images = makeDelegate({ endpoint: service.url, pool, counters, log, clock, ...more });
  return { images, watched };
}

describe("the service", () => {
  test("is sent the source with size, format and quality, and its answer is the variant", async () => {
    using service = startImageService();
    const { images, watched } = start(service);
    const asked = job({ format: "webp", quality: 71 });
    const made = await images.run(asked, patient);
    expect(made).toMatchObject({ kind: "made", width: 160, height: 120, facts: PHOTO });
    expect(service.asked).toEqual([
      {
        ...{ width: 160, height: 120, format: "webp", quality: 71 },
        ...{ contentType: "image/jpeg", bytes: Bun.file(photo).size },
      },
    ]);
    const written = await Bun.file(asked.target).bytes();
    expect(made).toMatchObject({
      bytes: written.length,
      digest: Bun.hash.xxHash64(written).toString(16).padStart(16, "0"),
    });
    expect(watched.count("delegated")).toBe(1);
  });

  test("is not sent a source with other bytes than those that were published", async () => {
    using service = startImageService();
    const { images, watched } = start(service);
    const damaged = job({ sourceDigest: "0123456789abcdef" });
    expect((await faultOf(images.run(damaged, patient))).code).toBe("undecodable");
    expect(service.asked).toEqual([]);
    expect(watched.count("delegate_failed")).toBe(0);
  });

  test("is not sent a source that cannot be read, which an image worker tells of", async () => {
    using service = startImageService();
    const { images, watched } = start(service);
    const folder = { ...job({ sourceDigest: "0123456789abcdef" }), source: dir.path };
    await faultOf(images.run(folder, patient));
    expect(service.asked).toEqual([]);
    expect(watched.count("delegate_failed")).toBe(1);
  });

  test("makes what cannot be decoded here, which its header tells the size of", async () => {
    using service = startImageService();
    const { images } = start(service);
    const probed = await images.run({ kind: "probe", source: heic, limits: JOB_LIMITS }, patient);
    expect(probed).toEqual({ kind: "probed", facts: PHONE, format: "heic" });
    expect(await images.run(heicJob(), patient)).toMatchObject({ width: 120, height: 160 });
    expect(service.asked[0]?.contentType).toBe("image/heic");
  });

  test("is not asked for crops, placeholders, animations, or what nobody knows the size of", async () => {
    using service = startImageService();
    const { images } = start(service);
    const others: readonly Partial<MakeJob>[] = [
      { fit: "cover" },
      { cropped: true },
      { format: "webp", bytesMax: 400 },
      { format: "webp", shows: { ...PHOTO, animated: true } },
      { shows: { ...PHOTO, width: 0 } },
    ];
    for (const other of others) expect((await images.run(job(other), patient)).kind).toBe("made");
    expect(service.asked).toEqual([]);
  });

  test("works on no more than so many at once; image workers do the rest", async () => {
    using service = startImageService();
    const release = Promise.withResolvers<void>();
    service.misbehave = async (asked) => {
      await release.promise;
      return new Response(new Uint8Array(await drawAsked(asked)));
    };
    const { images, watched } = start(service);
    const waiting = Array.from({ length: LIMITS.delegatedMax }, () => images.run(job(), patient));
    expect((await images.run(job(), patient)).kind).toBe("made");
    expect(watched.count("delegated")).toBe(0);
    release.resolve();
    await Promise.allSettled(waiting);
    expect(service.asked.length).toBe(LIMITS.delegatedMax);
  });
});

describe("an answer that is wrong", () => {
  const picture = (width: number, height: number, format: string) =>
    drawAsked({ width, height, format, quality: 80, contentType: null, bytes: 0 });
  const answers: readonly (readonly [string, () => Response | Promise<Response>])[] = [
    ["an error", () => new Response("no", { status: 500 })],
    ["a refusal of everybody", () => new Response("no", { status: 403 })],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/", 307)],
    ["text", () => new Response("this is no picture")],
    ["nothing", () => new Response(null)],
    ["another format", async () => new Response(new Uint8Array(await picture(160, 120, "png")))],
    ["another size", async () => new Response(new Uint8Array(await picture(320, 240, "jpg")))],
    [
      "half a picture",
      async () => {
        const whole = await picture(160, 120, "jpg");
        return new Response(new Uint8Array(whole.subarray(0, 30)));
      },
    ],
    ["too many bytes", () => new Response(new Uint8Array(70_000))],
  ];
  for (const [name, misbehave] of answers) {
    test(`${name}: an image worker does it instead, and it is counted`, async () => {
      using service = startImageService();
      service.misbehave = misbehave;
      const { images, watched } = start(service);
      const asked = job({ limits: { ...JOB_LIMITS, outputBytes: 60_000 } });
      const made = await images.run(asked, patient);
      expect(made).toMatchObject({ kind: "made", width: 160, height: 120 });
      expect((await sharp(asked.target).metadata()).format).toBe("jpeg");
      expect([watched.count("delegated"), watched.count("delegate_failed")]).toEqual([0, 1]);
    });
  }

  test("none in time: likewise", async () => {
    using service = startImageService();
    service.misbehave = () => new Promise(() => {});
    const { images, watched } = start(service, { waitMs: 50 });
    expect((await images.run(job(), patient)).kind).toBe("made");
    expect(watched.count("delegate_failed")).toBe(1);
  });

  test("that it cannot do this picture is no failure, and the picture is refused for what it is", async () => {
    using service = startImageService();
    service.misbehave = () => new Response("what is that", { status: 422 });
    const { images, watched } = start(service);
    expect((await faultOf(images.run(heicJob(), patient))).code).toBe("heic_unsupported");
    expect((await images.run(job(), patient)).kind).toBe("made");
    expect(watched.count("delegate_failed")).toBe(0);
  });
});

describe("a service that keeps failing", () => {
  test("is left alone for a while, tried by one, and used again when it is back", async () => {
    using service = startImageService();
    service.misbehave = () => new Response("no", { status: 500 });
    const { images, watched } = start(service);
    for (let i = 0; i < BREAKER.errorsMax + 3; i++) await images.run(job(), patient);
    expect(service.asked.length).toBe(BREAKER.errorsMax);
    service.misbehave = undefined;
    watched.clock.advance(BREAKER.firstMs);
    await images.run(job(), patient);
    await images.run(job(), patient);
    expect(watched.count("delegated")).toBe(2);
    expect(watched.lines.join()).toContain("image_service_back");
  });

  test("what only it could make is a matter of time, not of the picture", async () => {
    using service = startImageService();
    service.misbehave = () => new Response("no", { status: 500 });
    const { images } = start(service);
    const fault = await faultOf(images.run(heicJob(), patient));
    expect(fault.code).toBe("image_failed");
    expect(fault.retryAfterMs).toBeGreaterThan(0);
  });

  test("who has gone leaves it, which says nothing about it", async () => {
    using service = startImageService();
    const reached = Promise.withResolvers<void>();
    service.misbehave = () => {
      reached.resolve();
      return new Promise(() => {});
    };
    const { images, watched } = start(service);
    const gone = new AbortController();
    const leaving = faultOf(images.run(job(), { ...patient, gone: gone.signal }));
    await reached.promise;
    gone.abort();
    expect((await leaving).code).toBe("abandoned");
    expect(watched.count("delegate_failed")).toBe(0);
  });
});

describe("the header of a HEIC", () => {
  const facts = (bytes: Buffer) => heifFacts(dir.write(crypto.randomUUID(), bytes), JOB_LIMITS);

  test("tells the size of the picture that its tiles are laid together to, upright", () => {
    expect(facts(heicHeader({ width: 4032, height: 3024 }))).toMatchObject({
      width: 4032,
      height: 3024,
    });
    expect(facts(heicHeader({ width: 4032, height: 3024, turn: 3 }))).toMatchObject({
      width: 3024,
    });
    expect(facts(heicHeader({ width: 4032, height: 3024, turn: 2 }))).toMatchObject({
      width: 4032,
    });
  });

  test("that is cut short anywhere, or lies about its boxes, is refused or read, never more", () => {
    const whole = heicHeader({ width: 4032, height: 3024 });
    for (let length = 0; length < whole.length; length += 3) {
      try {
        expect(facts(whole.subarray(0, length)).width).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ code: "undecodable" });
      }
    }
    const lying = Buffer.from(whole);
    lying.writeUInt32BE(0xffff_ffff, 28);
    lying.writeUInt32BE(3, 44);
    expect(() => facts(lying)).toThrow("does not tell its size");
  });

  test("over the limits is refused before anybody is asked", () => {
    expect(() => facts(heicHeader({ width: 20_000, height: 20_000 }))).toThrow("are allowed");
  });
});
