/** Relnames, both ways (spec §3). */

import { describe, expect, test } from "bun:test";
import { FORMATS, ORIGINAL_EXTS, parseRelname, relnameOf } from "../../../src/base/variant.ts";

describe("a relname", () => {
  const cases = [
    ...FORMATS.map((ext) => ["md", ext] as const),
    ["640x480", "webp"] as const,
    ...ORIGINAL_EXTS.map((ext) => ["orig", ext] as const),
    ["placeholder", "webp"] as const,
  ];
  for (const [size, ext] of cases) {
    test(`of ${size}, ${ext} is read as it was written, with a leading slash too`, () => {
      const variant = { id: "viral123", size, ext };
      const relname = relnameOf(variant);
      expect(relname).toBe(`vi/ra/l1/${size}/viral123.${ext}`);
      expect(parseRelname(relname)).toEqual(variant);
      expect(parseRelname(`/${relname}`)).toEqual(variant);
    });
  }

  const refused = [
    ...["jpg", "avif", "png", "gif", "bin"].map((ext) => `vi/ra/l1/placeholder/viral123.${ext}`),
    "vi/ra/l1/md/viral123.heic",
    "vi/ra/l1/md/viral123.auto",
    "vi/ra/l2/md/viral123.jpg",
    "vi/ra/l1/../viral123.jpg",
    "vi/ra/l1/0x9/viral123.jpg",
    "vi/ra/l1/md/viral123.jpg/x",
    "vi/ra/l1/md/viral123",
  ];
  for (const text of refused) {
    test(`is not ${text}`, () => {
      expect(parseRelname(text)).toBeUndefined();
    });
  }
});
