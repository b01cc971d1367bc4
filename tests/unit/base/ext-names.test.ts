/** Spellings of extensions. */

import { expect, test } from "bun:test";
import { originalExtOf, spellingsOf } from "../../../src/base/ext-names.ts";
import { ORIGINAL_EXTS } from "../../../src/base/variant.ts";

test("an ext is known in any case and in its usual other spelling", () => {
  for (const text of ["jpg", "JPG", "jpeg", "JpEg"]) expect(originalExtOf(text)).toBe("jpg");
  expect(originalExtOf("tif")).toBe("tiff");
  expect(originalExtOf("HEIF")).toBe("heic");
});

test("what no original carries is no ext, not even names that objects have", () => {
  for (const text of ["", "exe", ".jpg", "toString", "constructor", "__proto__", "../x"]) {
    expect(originalExtOf(text)).toBeUndefined();
  }
});

test("every ext of an original is the first of its own spellings, and each of them means it", () => {
  for (const ext of ORIGINAL_EXTS) {
    expect(spellingsOf(ext)[0]).toBe(ext);
    for (const spelling of spellingsOf(ext)) expect(originalExtOf(spelling)).toBe(ext);
  }
});
