/** Quality and effort of a variant, by class, format and size. */

import { describe, expect, test } from "bun:test";
import { autoFormatsOf, encodingOf } from "../../../src/image/encoding.ts";

const site = {
  sizes: [
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768, quality: { jpg: 70 }, autoFormats: ["webp"] as const },
    { name: "xl", width: 4096, height: 3072, quality: { avif: 40 }, avifEffort: 6 },
  ],
  image: {
    policy: "exact",
    exactSizes: ["500x500"],
    autoFormats: ["avif", "webp"],
    quality: { jpg: 80, webp: 79, avif: 50 },
    avifEffort: 2,
  },
} as const;
const small = { width: 320, height: 240 };

describe("quality", () => {
  const of = (size: string, format: "jpg" | "webp" | "avif" | "png" | "gif") =>
    encodingOf(site, { size, format }, small).quality;

  test("is the site's, or the class's own for that format", () => {
    expect([of("sm", "jpg"), of("md", "jpg"), of("md", "webp"), of("xl", "avif")]).toEqual([
      80, 70, 79, 40,
    ]);
  });

  test("of an exact box is the site's", () => {
    expect(of("500x500", "webp")).toBe(79);
  });

  test("of png and gif is not to be had", () => {
    expect([of("sm", "png"), of("md", "gif")]).toEqual([100, 100]);
  });
});

describe("the effort of an avif", () => {
  const of = (size: string, width: number, height: number) =>
    encodingOf(site, { size, format: "avif" }, { width, height }).effort;

  test("is the site's for what is quickly made, and less for what is not", () => {
    expect(of("sm", 1024, 768)).toBe(2);
    expect(of("sm", 1600, 1200)).toBe(1);
    expect(of("sm", 2048, 1536)).toBe(0);
  });

  test("is the class's own whatever the size", () => {
    expect(of("xl", 4032, 3024)).toBe(6);
  });
});

test("the effort of a webp is half as much where there is much to do", () => {
  const of = (width: number, height: number) =>
    encodingOf(site, { size: "xl", format: "webp" }, { width, height }).effort;
  expect([of(1024, 768), of(4032, 3024)]).toEqual([4, 2]);
});

test("what auto may become is the class's own, or the site's", () => {
  expect([autoFormatsOf(site, "md"), autoFormatsOf(site, "sm")]).toEqual([
    ["webp"],
    ["avif", "webp"],
  ]);
});
