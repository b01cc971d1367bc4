/** Crops, placeholders and formats of a site, through a real mesh. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { outcomeOf } from "../support/cache-status.ts";
import { drawAnimation } from "../support/image-jobs.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";

let photos: string;
let mesh: Mesh;
const at = "edge-1";

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  await writePicture(photos, "harbour-01.jpg", { width: 1600, height: 900 });
  const timing = { delay: [80, 120, 160], loop: 3 };
  await Bun.write(join(photos, "fountain-01.gif"), await drawAnimation("gif", timing));
  mesh = await startMesh({
    edges: [at],
    regionals: ["regional-1"],
    origin: { origin_dir: photos },
    tables: {
      sizes: [
        { name: "face", width: 96, height: 96, fit: "cover" },
        { name: "portrait", width: 300, height: 300, fit: "cover", jpg_quality: 40 },
        { name: "sm", width: 320, height: 240 },
        { name: "card", width: 320, height: 320, fit: "contain" },
        { name: "md", width: 1024, height: 768, auto_formats: ["webp"] },
      ],
      http: { client_hints: true },
      limits: { animated_gif_pixels: 2000, stand_in_ms: 30_000 },
    },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  mesh.get(at, `/puddle/${path}`, { headers });

describe("sizes of a site", () => {
  test("crops are cut to their shape, what has room around it fills its box", async () => {
    expect(await pictureOf(await get("harbour-01/portrait/x.jpg"))).toMatchObject({
      width: 300,
      height: 300,
    });
    expect(await pictureOf(await get("harbour-01/card/x.webp"))).toMatchObject({
      width: 320,
      height: 320,
      hasAlpha: true,
    });
  }, 60_000);

  test("a smaller crop is made of the larger one that is at hand", async () => {
    const answer = await get("harbour-01/face/x.webp");
    expect(outcomeOf(answer)).toBe("generated");
    expect(await pictureOf(answer)).toMatchObject({ format: "webp", width: 96, height: 96 });
  }, 60_000);

  test("the whole picture is not made of a crop", async () => {
    const answer = await get("harbour-01/sm/x.jpg");
    expect(outcomeOf(answer)).toBe("upstream");
    expect(await pictureOf(answer)).toMatchObject({ width: 320, height: 180 });
  }, 60_000);

  test("a placeholder is there for every picture, small and a hit the second time", async () => {
    for (const [id, width, height] of [
      ["harbour-01", 32, 18],
      ["fountain-01", 30, 20],
    ] as const) {
      const first = await get(`${id}/placeholder/x.webp`);
      const bytes = await first.bytes();
      expect(bytes.length).toBeLessThanOrEqual(400);
      const { format, pages = 1, ...sides } = await sharp(bytes).metadata();
      expect({ format, pages }).toEqual({ format: "webp", pages: 1 });
      expect(sides).toMatchObject({ width, height });
      const again = await get(`${id}/placeholder/x.auto`, { accept: "image/avif" });
      expect(outcomeOf(again)).toBe("hit");
      expect(again.headers.get("etag")).toBe(first.headers.get("etag") ?? "none");
      await again.bytes();
    }
    expect((await get("harbour-01/placeholder/x.jpg")).status).toBe(400);
  }, 60_000);
});

describe("auto", () => {
  const browser = { accept: "image/avif,image/webp,*/*" };

  test("is what the client accepts best, of what the class offers", async () => {
    const small = await get("harbour-01/sm/x.auto", browser);
    expect(small.headers.get("content-type")).toBe("image/avif");
    const medium = await get("harbour-01/md/x.auto", browser);
    expect(medium.headers.get("content-type")).toBe("image/webp");
    for (const answer of [small, medium]) {
      expect(answer.headers.get("vary")).toContain("Accept");
      await answer.bytes();
    }
  }, 60_000);

  test("keeps an animation moving, with its times", async () => {
    const answer = await get("fountain-01/sm/x.auto", browser);
    expect(answer.headers.get("content-type")).toBe("image/webp");
    const { pages, delay, loop } = await pictureOf(answer);
    expect({ pages, delay, loop }).toEqual({ pages: 3, delay: [80, 120, 160], loop: 3 });
    const still = await get("fountain-01/sm/x.auto", { accept: "image/avif" });
    expect(still.headers.get("content-type")).toBe("image/gif");
    await still.bytes();
  }, 60_000);
});

test("client hints enlarge a box, and caches are told", async () => {
  const answer = await get("harbour-01/300x200/x.jpg", { "sec-ch-dpr": "2" });
  expect(await pictureOf(answer)).toMatchObject({ width: 1024 });
  expect(answer.headers.get("vary")).toContain("Sec-CH-DPR");
  expect(answer.headers.get("accept-ch")).toContain("Width");
}, 60_000);

test("an animation that would come out larger than allowed is refused, a still of it is not", async () => {
  const refused = await get("fountain-01/card/x.gif");
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ error: { code: "image_too_large" } });
  const still = await get("fountain-01/card/x.png");
  expect(still.status).toBe(200);
  await still.bytes();
}, 60_000);
