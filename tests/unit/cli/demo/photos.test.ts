/** The demo's pictures: taken from a directory, or drawn. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { contentIdOfWebId } from "../../../../src/base/web-name.ts";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { drawPhoto } from "../../../../src/cli/demo/draw.ts";
import { drawPhotos } from "../../../../src/cli/demo/draw-photos.ts";
import { findPhotos, takenLines } from "../../../../src/cli/demo/given-photos.ts";
import { OWN_PHOTOS, type OwnPhoto } from "../../../../src/cli/demo/own-photos.ts";
import { linkPhotos } from "../../../../src/cli/demo/photo.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

const { signal } = new AbortController();

describe("mir demo --photos DIR", () => {
  test("takes every picture by its extension, in any case, and nothing else", () => {
    using dir = makeTempDir();
    for (const name of [
      "b.JPG",
      "a.jpeg",
      "c.png",
      "d.WebP",
      "e.gif",
      "f.avif",
      "notes.txt",
      "jpg",
    ]) {
      dir.write(name, "x");
    }
    mkdirSync(join(dir.path, "folder.jpg"));
    dir.write("below/g.jpg", "x");
    symlinkSync("/nowhere", join(dir.path, "dangling.png"));
    const { photos, leftOut } = findPhotos(dir.path);
    expect(photos.map(({ webId, ext }) => `${webId}.${ext}`)).toEqual([
      "a.jpg",
      "b.jpg",
      "c.png",
      "d.webp",
      "e.gif",
      "f.avif",
    ]);
    expect(photos[0]?.path).toBe(join(dir.path, "a.jpeg"));
    expect(leftOut).toBe(0);
  });

  test("makes web ids of file names, each its own, each with a content id", () => {
    using dir = makeTempDir();
    const long = "x".repeat(200);
    for (const name of ["Höhe 1.jpg", "Hühe_1.png", "a.jpg", "A.png", "....jpg", `${long}.jpg`]) {
      dir.write(name, "x");
    }
    const ids = findPhotos(dir.path).photos.map((photo) => photo.webId);
    expect(ids).toContain("h-he-1");
    expect(ids).toContain("h-he-1-2");
    expect(ids).toContain("a-2");
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => contentIdOfWebId(id) === undefined)).toEqual([]);
  });

  test("takes no more than the limits, and says how many are left out", () => {
    using dir = makeTempDir();
    for (let i = 0; i < 6; i++) dir.write(`${i}.jpg`, "x");
    const limits = { photosMax: 4, directoryFilesMax: 5 };
    const { photos, leftOut } = findPhotos(dir.path, limits);
    expect([photos.length, leftOut]).toEqual([4, 1]);
    expect(takenLines({ dir: "d", photos, leftOut })).toEqual([
      "4 pictures of d take part: 0.jpg, 1.jpg, 2.jpg, 3.jpg",
      "1 more, later by name, are left out",
    ]);
    const all = findPhotos(dir.path);
    expect(takenLines({ dir: "d", ...all })).toEqual([
      "6 pictures of d take part: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, …",
    ]);
    expect(DEMO_LIMITS.photosMax).toBe(2000);
  });

  test("an empty directory, a missing one and a file are refused with their name", () => {
    using dir = makeTempDir();
    const file = dir.write("a.txt", "x");
    expect(() => findPhotos(dir.path)).toThrow(`--photos ${dir.path}: no picture there`);
    expect(() => findPhotos(join(dir.path, "no"))).toThrow("cannot be read as a directory");
    expect(() => findPhotos(file)).toThrow("cannot be read as a directory");
  });

  test("links lead from web ids to the files", () => {
    using dir = makeTempDir();
    dir.write("in/Some Picture.JPEG", "its bytes");
    mkdirSync(join(dir.path, "origin"));
    linkPhotos(findPhotos(join(dir.path, "in")).photos, join(dir.path, "origin"));
    expect(readFileSync(join(dir.path, "origin/some-picture.jpg"), "utf8")).toBe("its bytes");
  });
});

describe("the demo's own pictures", () => {
  test("are a dozen with web ids of their own, all but the animation of 4 to 12 megapixels", () => {
    expect(OWN_PHOTOS).toHaveLength(12);
    expect(new Set(OWN_PHOTOS.map((photo) => photo.name)).size).toBe(12);
    for (const { width, height, frames } of OWN_PHOTOS) {
      if (frames !== undefined) continue;
      expect(width * height).toBeGreaterThanOrEqual(4_000_000);
      expect(width * height).toBeLessThanOrEqual(12_000_000);
    }
    expect(OWN_PHOTOS.filter((photo) => photo.frames !== undefined)).toHaveLength(1);
    expect(OWN_PHOTOS.filter((photo) => photo.onItsSide === true)).toHaveLength(1);
    expect(OWN_PHOTOS.filter((photo) => photo.alpha === true)).toHaveLength(1);
  });

  test("are what they say: format, upright size, alpha, frames", async () => {
    for (const { photo, path } of await drawnSmall()) {
      const found = await sharp(path).metadata();
      expect(found.format).toBe(photo.ext === "jpg" ? "jpeg" : photo.ext);
      const { width, height } = found.autoOrient;
      expect([width, height]).toEqual([photo.width, photo.height]);
      expect(found.orientation).toBe(photo.onItsSide === true ? 6 : undefined);
      expect(found.pages).toBe(photo.frames);
      if (photo.ext !== "gif") expect(found.hasAlpha).toBe(photo.alpha === true);
    }
  });

  test("show something: light and dark, many colours, detail", async () => {
    for (const { photo, path } of await drawnSmall()) {
      const { entropy, channels } = await sharp(path).flatten().stats();
      expect({ name: photo.name, rich: entropy > 4 }).toEqual({ name: photo.name, rich: true });
      expect(Math.max(...channels.map((channel) => channel.stdev))).toBeGreaterThan(12);
    }
  });

  test("come out the same each time", async () => {
    using dir = makeTempDir();
    const [photo] = OWN_PHOTOS.map(small);
    if (photo === undefined) throw new Error("no picture");
    await drawPhoto(photo, join(dir.path, "a.jpg"));
    await drawPhoto(photo, join(dir.path, "b.jpg"));
    expect(readFileSync(join(dir.path, "a.jpg"))).toEqual(readFileSync(join(dir.path, "b.jpg")));
  });

  test("are drawn once: what is there is kept, what is missing or empty is drawn", async () => {
    using dir = makeTempDir();
    const own = OWN_PHOTOS.slice(0, 3).map(small);
    const told: string[] = [];
    const progress = (drawn: number, toDraw: number): void => void told.push(`${drawn}/${toDraw}`);
    const photos = await drawPhotos(own, { dir: dir.path, progress, signal });
    expect(told).toEqual(["0/3", "1/3", "2/3", "3/3"]);
    expect(readdirSync(dir.path).sort()).toEqual(own.map((p) => `${p.name}.${p.ext}`).sort());
    const [kept, emptied] = photos;
    if (kept === undefined || emptied === undefined) throw new Error("no pictures");
    utimesSync(kept.path, 1, 1);
    await Bun.write(emptied.path, "");
    told.length = 0;
    await drawPhotos(own, { dir: dir.path, progress, signal });
    expect(told).toEqual(["0/1", "1/1"]);
    expect(Bun.file(kept.path).lastModified).toBe(1000);
  });

  test("are left off when the demo is stopped, and nothing half drawn stays", async () => {
    using dir = makeTempDir();
    const stop = new AbortController();
    const drawing = drawPhotos(OWN_PHOTOS.map(small), {
      dir: dir.path,
      progress: (drawn) => {
        if (drawn === 1) stop.abort(new Error("stopped"));
      },
      signal: stop.signal,
    });
    await expect(drawing).rejects.toThrow("stopped");
    expect(readdirSync(dir.path).length).toBeLessThan(OWN_PHOTOS.length);
    expect(readdirSync(dir.path).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

const drawings = makeTempDir();
afterAll(() => drawings[Symbol.dispose]());
let drawn: Promise<{ readonly photo: OwnPhoto; readonly path: string }[]> | undefined;

/** All of them, once for the tests that look at them. */
function drawnSmall(): NonNullable<typeof drawn> {
  drawn ??= Promise.all(
    OWN_PHOTOS.map(small).map(async (photo) => {
      const path = join(drawings.path, `${photo.name}.${photo.ext}`);
      await drawPhoto(photo, path);
      return { photo, path };
    }),
  );
  return drawn;
}

/** The same picture, quick to draw. */
function small(photo: OwnPhoto): OwnPhoto {
  const scale = 160 / Math.max(photo.width, photo.height);
  const width = Math.round(photo.width * scale);
  return { ...photo, width, height: Math.round(photo.height * scale) };
}
