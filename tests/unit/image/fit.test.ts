/** How large variants come out, and what they are called. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import {
  boxOfSize,
  canonicalSize,
  fitInside,
  outputBytesEstimate,
  type Sides,
} from "../../../src/image/fit.ts";

const site = {
  sizes: [
    { name: "xs", width: 160, height: 160 },
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768 },
  ],
  image: {
    policy: "exact",
    exactSizes: ["500x500", "9000x9000"],
    autoFormats: [],
    quality: { jpg: 80, webp: 80, avif: 55 },
    avifEffort: 2,
  },
} as const;

function sides(max: number): fc.Arbitrary<Sides> {
  return fc.record({ width: fc.integer({ min: 1, max }), height: fc.integer({ min: 1, max }) });
}

describe("fitInside", () => {
  test("comes out as sharp makes it, to the pixel", async () => {
    await fc.assert(
      fc.asyncProperty(sides(500), sides(300), async (picture, box) => {
        const drawn = sharp({ create: { ...picture, channels: 3, background: "#804020" } });
        const shrunk = drawn.resize({ ...box, fit: "inside", withoutEnlargement: true });
        const { info } = await shrunk.raw().toBuffer({ resolveWithObject: true });
        expect(fitInside(picture, box)).toEqual({ width: info.width, height: info.height });
      }),
      { numRuns: 200 },
    );
  });

  test("exact halves round as libvips rounds them", async () => {
    const cases = [
      [376, 141, 124, 228],
      [411, 274, 300, 21],
      [3, 2, 1, 1],
    ] as const;
    for (const [width, height, boxWidth, boxHeight] of cases) {
      const drawn = sharp({ create: { width, height, channels: 3, background: "#804020" } });
      const box = { width: boxWidth, height: boxHeight };
      const shrunk = drawn.resize({ ...box, fit: "inside", withoutEnlargement: true });
      const { info } = await shrunk.raw().toBuffer({ resolveWithObject: true });
      expect(fitInside({ width, height }, box)).toEqual({ width: info.width, height: info.height });
    }
  });

  test("never leaves the box, never enlarges, never loses a side", () => {
    fc.assert(
      fc.property(sides(65_535), sides(8192), (picture, box) => {
        const { width, height } = fitInside(picture, box);
        expect(width >= 1 && width <= Math.min(picture.width, box.width)).toBe(true);
        expect(height >= 1 && height <= Math.min(picture.height, box.height)).toBe(true);
      }),
    );
  });

  test("a picture of unknown size is taken to fill the box", () => {
    expect(fitInside({ width: 0, height: 0 }, { width: 30, height: 20 })).toEqual({
      width: 30,
      height: 20,
    });
  });
});

describe("boxOfSize", () => {
  test("knows classes and listed boxes, and nothing else", () => {
    expect(boxOfSize(site, "sm")).toEqual({ width: 320, height: 240 });
    expect(boxOfSize(site, "500x500")).toEqual({ width: 500, height: 500 });
    for (const other of ["orig", "400x400", "xl", ""]) {
      expect(boxOfSize(site, other)).toBeUndefined();
    }
  });
});

describe("canonicalSize", () => {
  const cases: readonly (readonly [string, number, number, string, string])[] = [
    ["a class that shrinks is itself", 2000, 1000, "md", "md"],
    ["one side too large is enough to shrink", 100, 769, "md", "md"],
    ["a class that would not shrink is the smallest that holds the picture", 300, 200, "md", "sm"],
    ["a picture exactly as large as a class is held by it", 320, 240, "md", "sm"],
    ["the smallest class is itself", 10, 10, "xs", "xs"],
    ["a box that shrinks is itself", 600, 400, "500x500", "500x500"],
    ["a box that would not shrink is the smallest class that holds", 300, 200, "500x500", "sm"],
    ["without a class that holds, a box stays itself", 5000, 4000, "9000x9000", "9000x9000"],
    ["orig is orig", 10, 10, "orig", "orig"],
    ["an unknown picture changes nothing", 0, 0, "md", "md"],
  ];
  for (const [name, width, height, size, result] of cases) {
    test(name, () => {
      expect(canonicalSize(site, size, { width, height })).toBe(result);
    });
  }

  test("is stable: the result resolves to itself", () => {
    fc.assert(
      fc.property(
        sides(4000),
        fc.constantFrom("xs", "sm", "md", "500x500", "9000x9000"),
        (p, size) => {
          const once = canonicalSize(site, size, p);
          expect(canonicalSize(site, once, p)).toBe(once);
        },
      ),
    );
  });

  test("names equal pictures equally: the output is the same size as under the wanted name", () => {
    fc.assert(
      fc.property(sides(4000), fc.constantFrom("xs", "sm", "md", "500x500"), (p, size) => {
        const wanted = fitInside(p, boxOfSize(site, size) ?? p);
        expect(fitInside(p, boxOfSize(site, canonicalSize(site, size, p)) ?? p)).toEqual(wanted);
      }),
    );
  });
});

describe("outputBytesEstimate", () => {
  const facts = { width: 4000, height: 3000, alpha: false, animated: false };
  const estimate = (ext: string, more: Partial<typeof facts> = {}) =>
    outputBytesEstimate(site, { id: "abcdef", size: "md", ext }, { ...facts, ...more });

  test("covers a photograph at the usual quality, more for alpha and for animation", () => {
    expect(estimate("jpg")).toBeGreaterThan(150_000);
    expect(estimate("png")).toBeGreaterThan(estimate("jpg"));
    expect(estimate("png", { alpha: true })).toBeGreaterThan(estimate("png"));
    expect(estimate("jpg", { alpha: true })).toBe(estimate("jpg"));
    expect(estimate("webp", { animated: true })).toBeGreaterThan(estimate("webp"));
    expect(estimate("avif", { animated: true })).toBe(estimate("avif"));
  });
});
