/** Which variants are sufficient for another one, and which of them is the cheapest (spec §6). */

import { describe, expect, test } from "bun:test";
import { type Candidate, chooseSource, isSufficient } from "../../../src/image/plan.ts";
import { source, target } from "../../support/plan-cases.ts";

describe("isSufficient", () => {
  const cases: readonly (readonly [string, boolean, Candidate, ReturnType<typeof target>])[] = [
    ["the original, always", true, source("orig", "jpg"), target("xl", "avif")],
    [
      "the original, for a picture of unknown size too",
      true,
      source("orig", "bin"),
      target("sm", "jpg", { width: 0, height: 0 }),
    ],
    ["(a) a larger lossless variant", true, source("lg", "png"), target("md", "jpg")],
    ["(a) a lossy one twice as large", true, source("lg", "jpg", 1), target("md", "webp")],
    [
      "(a) not a lossy one less than 1.5 times as large",
      false,
      source("1200x900", "jpg", 1),
      target("md", "jpg"),
    ],
    ["(a) but a lossless one of that size", true, source("1200x900", "png"), target("md", "jpg")],
    ["(a) not a smaller one", false, source("sm", "png"), target("md", "jpg")],
    [
      "(a) judged by the true picture: a panorama in md is 1024x102, and 160x16 in xs",
      true,
      source("md", "jpg", 1),
      target("xs", "jpg", { width: 10_000, height: 1000 }),
    ],
    [
      "(a) a lossy copy of a picture that neither class shrinks has no margin",
      false,
      source("lg", "jpg", 1),
      target("md", "webp", { width: 900, height: 700 }),
    ],
    ["a lossless one of its own size", true, source("md", "png"), target("md", "jpg")],
    ["a lossy one of its own size", false, source("md", "jpg", 1), target("md", "webp")],
    ["never itself", false, source("md", "png"), target("md", "png")],
    [
      "(a) a panorama's narrow side counts",
      false,
      source("md", "jpg", 1),
      target("banner", "jpg", { width: 10_000, height: 1000 }),
    ],
    [
      "(a) and is enough in a class that holds it",
      true,
      source("xl", "jpg", 1),
      target("banner", "jpg", { width: 10_000, height: 1000 }),
    ],
    ["(b) the whole picture for a crop", true, source("md", "jpg", 1), target("face", "jpg")],
    [
      "(b) the whole picture for one with room around it",
      true,
      source("md", "jpg", 1),
      target("card", "webp"),
    ],
    ["(b) the same crop, larger", true, source("bigface", "jpg", 1), target("face", "webp")],
    ["(b) not a crop for the whole picture", false, source("bigface", "png"), target("xs", "jpg")],
    ["(b) not a crop of another shape", false, source("bigface", "png"), target("banner", "jpg")],
    [
      "(b) not a crop for room around the picture",
      false,
      source("bigface", "png"),
      target("card", "jpg"),
    ],
    [
      "(b) not what has room around it for a crop",
      false,
      source("bigcard", "png"),
      target("face", "jpg"),
    ],
    [
      "(b) nor for another box, whose room is another",
      false,
      source("bigcard", "png"),
      target("card", "jpg"),
    ],
    ["(b) but for its own in another format", true, source("card", "png"), target("card", "jpg")],
    [
      "a placeholder is made of anything",
      true,
      source("xs", "jpg", 1),
      target("placeholder", "webp"),
    ],
    [
      "a placeholder of what moves needs one frame",
      true,
      source("xs", "png"),
      target("placeholder", "webp", { animated: true }),
    ],
    [
      "and nothing is made of a placeholder",
      false,
      source("placeholder", "webp", 1),
      target("xs", "jpg", { width: 20, height: 20 }),
    ],
    [
      "not a variant while the true size is unknown",
      false,
      source("xl", "png"),
      target("xs", "jpg", { width: 0, height: 0 }),
    ],
    [
      "(c) not a jpg where alpha is wanted",
      false,
      source("lg", "jpg", 1),
      target("sm", "webp", { alpha: true }),
    ],
    [
      "(c) a jpg where the target shows no alpha either",
      true,
      source("lg", "jpg", 1),
      target("sm", "jpg", { alpha: true }),
    ],
    ["(c) a webp keeps alpha", true, source("lg", "webp", 1), target("sm", "png", { alpha: true })],
    [
      "(c) not a still where animation is wanted",
      false,
      source("lg", "png"),
      target("sm", "webp", { animated: true }),
    ],
    [
      "(c) an animated webp for a gif",
      true,
      source("lg", "webp", 1),
      target("sm", "gif", { animated: true }),
    ],
    [
      "(c) a still where the target is one",
      true,
      source("lg", "png"),
      target("sm", "avif", { animated: true }),
    ],
    [
      "(c) 256 colours are too few for anything but a gif",
      false,
      source("lg", "gif", 1),
      target("sm", "jpg"),
    ],
    ["(c) and enough for a gif", true, source("lg", "gif", 1), target("sm", "gif")],
    ["(d) one lossy step away", true, source("lg", "avif", 1), target("sm", "jpg")],
    ["(d) not two", false, source("lg", "jpg", 2), target("sm", "jpg")],
    [
      "(d) not two, lossless as the copy itself may be",
      false,
      source("lg", "png", 2),
      target("sm", "jpg"),
    ],
  ];
  for (const [name, expected, from, to] of cases) {
    test(name, () => {
      expect(isSufficient(from, to)).toBe(expected);
    });
  }
});

describe("chooseSource", () => {
  test("takes the fewest pixels to decode among the sufficient", () => {
    const all = [
      source("orig", "jpg"),
      source("xl", "jpg", 1),
      source("lg", "jpg", 1),
      source("md", "jpg", 1),
    ];
    expect(chooseSource(all, target("sm", "webp"))).toBe(all[3]);
    expect(chooseSource(all, target("md", "webp"))).toBe(all[2]);
    expect(chooseSource(all, target("lg", "webp"))).toBe(all[0]);
  });

  test("counts what a JPEG saves by shrinking while it is decoded", () => {
    const [png, jpg] = [source("md", "png"), source("md", "jpg", 1)];
    expect(chooseSource([png, jpg], target("sm", "jpg"))).toBe(jpg);
    const larger = source("lg", "jpg", 1);
    expect(chooseSource([source("md", "avif", 1), larger], target("xs", "jpg"))).toBe(larger);
  });

  test("counts what a WebP saves by being decoded smaller", () => {
    const webp = source("md", "webp", 1);
    expect(chooseSource([source("md", "avif", 1), webp], target("xs", "jpg"))).toBe(webp);
    // at its own size it costs more than the PNG, for a thumbnail less than a PNG twice as large
    expect(chooseSource([webp, source("md", "png")], target("xs", "jpg"))).toMatchObject({
      ext: "webp",
    });
    expect(
      chooseSource([source("lg", "webp", 1), source("lg", "png")], target("md", "jpg")),
    ).toMatchObject({ ext: "png" });
  });

  test("of equal cost the one nearer to the original, then the smaller", () => {
    const twice = { ...source("md", "png"), lossySteps: 1 };
    const once = source("md", "png");
    expect(chooseSource([twice, once], target("xs", "jpg"))).toBe(once);
    const smaller = { ...once, bytes: 10 };
    expect(chooseSource([once, smaller], target("xs", "jpg"))).toBe(smaller);
  });

  test("an original that cannot be decoded is only tried when there is nothing else", () => {
    const heic = source("orig", "heic");
    const large = source("xl", "png");
    expect(chooseSource([heic, large], target("xs", "jpg"))).toBe(large);
    expect(chooseSource([heic], target("xs", "jpg"))).toBe(heic);
  });

  test("nothing sufficient is undefined", () => {
    expect(chooseSource([], target("sm", "jpg"))).toBeUndefined();
    expect(chooseSource([source("xs", "jpg", 1)], target("sm", "jpg"))).toBeUndefined();
  });
});
