/** How large variants come out, and what they are called. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import {
  canonicalSize,
  fitInside,
  outputBytesEstimate,
  outputSides,
  type Sides,
  shapeOfSize,
} from "../../../src/image/fit.ts";

const site = {
  sizes: [
    { name: "xs", width: 160, height: 160 },
    { name: "face", width: 200, height: 200, fit: "cover" },
    { name: "card", width: 300, height: 200, fit: "contain" },
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

describe("shapeOfSize", () => {
  test("knows classes, listed boxes and the placeholder, and nothing else", () => {
    const small = { width: 320, height: 240 };
    expect(shapeOfSize(site, "sm")).toEqual({ box: small, fit: "inside" });
    expect(shapeOfSize(site, "face")).toMatchObject({ box: { width: 200 }, fit: "cover" });
    expect(shapeOfSize(site, "500x500")).toMatchObject({ box: { width: 500 }, fit: "inside" });
    expect(shapeOfSize(site, "placeholder")).toMatchObject({ box: { width: 32 }, fit: "inside" });
    for (const other of ["orig", "400x400", "xl", ""]) {
      expect(shapeOfSize(site, other)).toBeUndefined();
    }
  });
});

describe("outputSides", () => {
  const box = { width: 200, height: 100 };
  const cases: readonly (readonly [string, Sides, "inside" | "cover" | "contain", string])[] = [
    [
      "inside: the whole picture, as large as fits",
      { width: 1000, height: 1000 },
      "inside",
      "100x100",
    ],
    ["cover: the box itself", { width: 1000, height: 1000 }, "cover", "200x100"],
    [
      "cover: of a narrow picture the largest piece of that shape",
      { width: 100, height: 900 },
      "cover",
      "100x50",
    ],
    ["cover: of a flat one too", { width: 900, height: 40 }, "cover", "80x40"],
    ["contain: the box, whatever the picture", { width: 10, height: 900 }, "contain", "200x100"],
    ["the box while the picture is unknown", { width: 0, height: 0 }, "cover", "200x100"],
  ];
  for (const [name, picture, fit, expected] of cases) {
    test(name, () => {
      const { width, height } = outputSides(picture, { box, fit });
      expect(`${width}x${height}`).toBe(expected);
    });
  }

  test("is never larger than the picture, but for the room around it", () => {
    fc.assert(
      fc.property(sides(5000), sides(5000), fc.constantFrom("inside", "cover"), (p, b, fit) => {
        const { width, height } = outputSides(p, { box: b, fit });
        expect(width).toBeLessThanOrEqual(p.width);
        expect(height).toBeLessThanOrEqual(p.height);
      }),
    );
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
    ["a placeholder is a placeholder", 10, 10, "placeholder", "placeholder"],
    ["a crop is itself, however small the picture", 10, 10, "face", "face"],
    ["so is what has room around it", 10, 10, "card", "card"],
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
        const named = (name: string) => fitInside(p, shapeOfSize(site, name)?.box ?? p);
        expect(named(canonicalSize(site, size, p))).toEqual(named(size));
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
