/** What the sizes of a site mean in a URL: crops, placeholders, formats of their own. */

import { describe, expect, test } from "bun:test";
import { asFault } from "../../../src/base/fault.ts";
import { HIT, type Served } from "../../../src/content/served.ts";
import { type ParsedImageUrl, parseImageUrl, type UrlRules } from "../../../src/http/image-url.ts";
import { makePictureSite, metaOf, patternOf, TOPOLOGY } from "../../support/picture-site.ts";

const RULES: UrlRules = {
  prefix: "puddle",
  sizes: [
    { name: "face", width: 96, height: 96, fit: "cover" },
    { name: "sm", width: 320, height: 240 },
    { name: "card", width: 400, height: 400, fit: "contain" },
    { name: "md", width: 1024, height: 768 },
    { name: "huge", width: 5000, height: 5000, fit: "cover" },
  ],
  policy: "snap",
  exactSizes: [],
};

function read(size: string, ext = "jpg"): ParsedImageUrl | string {
  try {
    return parseImageUrl(`/puddle/viral123/${size}/photo.${ext}`, RULES);
  } catch (error) {
    return asFault(error).code;
  }
}

describe("a size", () => {
  test("with a crop is asked for by its name", () => {
    expect(read("face")).toMatchObject({ size: "face" });
  });

  test("with a crop is never the answer to a box: pictures are shown whole", () => {
    expect(read("96x96")).toMatchObject({ size: "sm" });
    expect(read("400x400")).toMatchObject({ size: "md" });
    expect(read("5000x5000")).toMatchObject({ size: "md" });
  });
});

describe("a placeholder", () => {
  test("is there at every site, under any policy", () => {
    for (const policy of ["snap", "exact", "classes"] as const) {
      const url = parseImageUrl("/puddle/viral123/placeholder/p.webp", { ...RULES, policy });
      expect(url).toEqual({
        webId: "viral123",
        size: "placeholder",
        filename: "p",
        format: "webp",
      });
    }
  });

  test("is webp, for auto too, and nothing else", () => {
    expect(read("placeholder", "AUTO")).toMatchObject({ format: "webp" });
    for (const ext of ["jpg", "png", "avif", "gif", "bmp"]) {
      expect(read("placeholder", ext)).toBe("bad_format");
    }
  });

  test("does not vary by Accept", async () => {
    const served: Served = { kind: "bytes", meta: metaOf(9), outcome: HIT, bytes: patternOf(9) };
    const site = makePictureSite(() => served);
    const path = "http://m/puddle/viral123/placeholder/p.auto";
    const answer = await site.handler(new Request(path, { headers: { accept: "image/avif" } }));
    expect(answer.headers.get("vary")).toBeNull();
    expect(site.asked).toMatchObject([{ size: "placeholder", format: "webp", accepted: [] }]);
  });
});

test("a class has formats of its own for auto", async () => {
  const served: Served = { kind: "bytes", meta: metaOf(9), outcome: HIT, bytes: patternOf(9) };
  const sizes = [
    { name: "sm", width: 320, height: 240 },
    { name: "md", width: 1024, height: 768, autoFormats: ["webp"] as const },
  ];
  const site = makePictureSite(() => served, { topology: { ...TOPOLOGY, sizes } });
  for (const size of ["sm", "md"]) {
    const headers = { accept: "image/avif,image/webp" };
    await site.handler(new Request(`http://m/puddle/viral123/${size}/p.auto`, { headers }));
  }
  expect(site.asked.map((a) => a.accepted)).toEqual([["avif", "webp"], ["webp"]]);
});
