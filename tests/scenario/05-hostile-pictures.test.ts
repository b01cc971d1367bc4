/** Stored pictures that mean harm, asked for through a mesh: refused with 422 or shown, and every node lives on. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import {
  avifHolding,
  avifSaying,
  gifOf,
  jpegSaying,
  mutated,
  pngSaying,
  seeded,
  webpSaying,
} from "../support/hostile-files.ts";
import { pngHeader } from "../support/image-jobs.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawRaw } from "../support/pictures.ts";

const MUTATED = 40;
let photos: string;
let mesh: Mesh;

/** Name in the store, what it is, and the statuses it may have as md webp and as md jpg. */
const FILES: [string, Buffer, readonly number[], readonly number[]][] = [];

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  const raw = { width: 300, height: 200, channels: 4 as const };
  const drawn = sharp(drawRaw(300, 200, 4), { raw });
  const [jpg, png, webp, avif, gif] = await Promise.all([
    drawn.clone().jpeg().toBuffer(),
    drawn.clone().png().toBuffer(),
    drawn.clone().webp().toBuffer(),
    drawn.clone().avif({ effort: 0 }).toBuffer(),
    drawn.clone().gif({ effort: 1 }).toBuffer(),
  ]);
  FILES.push(
    ["bomb-01.png", pngHeader(60_000, 60_000), [422], [422]],
    ["bomb-02.gif", gifOf(10_000), [422], [200]],
    ["bomb-03.avif", avifSaying(avif, 30_000, 30_000), [422], [422]],
    ["liar-01.avif", avifSaying(avif, 64, 64), [422], [422]],
    ["liar-02.webp", webpSaying(webp, 9000, 9000), [422], [422]],
    ["liar-03.png", pngSaying(png, 9000, 9000), [422], [422]],
    ["liar-04.jpg", jpegSaying(jpg, 60_000, 60_000), [422], [422]],
    ["nested-01.avif", avifHolding(avif, "hvc1"), [422], [422]],
    ["named-01.png", gif, [200], [200]],
    ["page-01.jpg", Buffer.concat([jpg, Buffer.from("<html><script>")]), [200], [200]],
    ["drawing-01.png", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), [422], [422]],
    ["empty-01.jpg", Buffer.alloc(0), [404], [404]],
  );
  const random = seeded(7);
  for (let i = 0; i < MUTATED; i++) {
    const either = [200, 422];
    const name = `mutated-${String(i).padStart(2, "0")}.jpg`;
    FILES.push([name, mutated([jpg, png, webp, avif, gif], random), either, either]);
  }
  for (const [name, bytes] of FILES) writeFileSync(join(photos, name), bytes);
  mesh = await startMesh({
    edges: ["edge-1"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos },
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

async function ask(id: string, file: string): Promise<number> {
  const answer = await mesh.get("edge-1", `/puddle/${id}/md/${file}`);
  const { status } = answer;
  if (status === 200)
    expect((await sharp(await answer.bytes()).metadata()).width).toBeGreaterThan(0);
  else {
    const text = await answer.text();
    expect(JSON.parse(text)).toHaveProperty("error.hint");
    // whoever refused it first, clients read of no node and no path
    expect(text).not.toMatch(/regional-1|edge-1|\/tmp|mir-photos/);
  }
  return status;
}

describe("hostile pictures in the store", () => {
  test("are answered 422, or with a picture", async () => {
    for (const [name, , webp, jpg] of FILES) {
      const id = name.slice(0, name.lastIndexOf("."));
      expect([name, webp]).toEqual([name, expect.arrayContaining([await ask(id, "x.webp")])]);
      expect([name, jpg]).toEqual([name, expect.arrayContaining([await ask(id, "x.jpg")])]);
    }
  }, 120_000);

  test("cost no image worker and no node", async () => {
    for (const node of ["edge-1", "regional-1"]) {
      expect(await mesh.counter(node, "image_worker_restart")).toBe(0);
      expect(mesh.node(node).process.exitCode).toBeNull();
      expect(mesh.node(node).log()).not.toContain("request failed");
    }
  }, 60_000);

  test("never come out as what they are not: an original is sniffed, not believed", async () => {
    const types = await Promise.all(
      ["named-01", "drawing-01"].map(async (id) => {
        const answer = await mesh.get("edge-1", `/puddle/${id}/orig/x.png`);
        await answer.bytes();
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
        return answer.headers.get("content-type");
      }),
    );
    expect(types).toEqual(["image/gif", "application/octet-stream"]);
  }, 60_000);
});
