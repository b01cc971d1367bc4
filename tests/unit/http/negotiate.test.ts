/** What `Accept` says about the formats of a site. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import type { Format } from "../../../src/base/variant.ts";
import { acceptedFormats } from "../../../src/http/negotiate.ts";

const SITE: readonly Format[] = ["avif", "webp"];
const accepted = (accept: string | null, offered = SITE) => acceptedFormats(accept, offered);

const CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
const OLD_SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5";

describe("Accept", () => {
  test("of a current browser means every format it names, in the order of the site", () => {
    expect(accepted(CHROME)).toEqual(["avif", "webp"]);
    expect(accepted("image/webp, image/avif")).toEqual(["avif", "webp"]);
    expect(accepted("image/webp, image/avif", ["webp", "avif"])).toEqual(["webp", "avif"]);
  });

  test("without a word of a format means none, wildcards included", () => {
    for (const accept of [
      null,
      "",
      "*/*",
      "image/*",
      "image/*,*/*;q=0.8",
      OLD_SAFARI,
      "text/html",
    ]) {
      expect([accept, accepted(accept)]).toEqual([accept, []]);
    }
  });

  test("is about what the site offers", () => {
    expect(accepted("image/avif,image/webp", ["webp"])).toEqual(["webp"]);
    expect(accepted("image/avif,image/webp", [])).toEqual([]);
    expect(accepted("image/jpeg,image/avif", ["jpg"])).toEqual(["jpg"]);
  });

  test("orders by q-value first", () => {
    expect(accepted("image/avif;q=0.5, image/webp;q=0.9")).toEqual(["webp", "avif"]);
    expect(accepted("image/avif;q=0.5, image/webp;q=0.500")).toEqual(["avif", "webp"]);
    expect(accepted("image/avif;q=0.5, image/webp")).toEqual(["webp", "avif"]);
  });

  test("with q=0 refuses, whatever a wildcard says", () => {
    expect(accepted("image/avif;q=0, image/webp, */*")).toEqual(["webp"]);
    expect(accepted("image/avif;q=0.000, image/webp;q=0, image/*")).toEqual([]);
  });

  test("is read without regard to case and blanks", () => {
    expect(accepted("\t IMAGE/AVIF ;\tQ=1.000 ,, image/WebP; q=0.1 ,")).toEqual(["avif", "webp"]);
  });

  test("with a broken q-value is no wish", () => {
    for (const q of [
      "q=",
      "q=2",
      "q=-1",
      "q=1.5",
      "q=.5",
      "q=0.1234",
      "q=1.001",
      "q=a",
      "q=0,5",
      "q= 1",
    ]) {
      expect([q, accepted(`image/avif;${q}`)]).toEqual([q, []]);
    }
  });

  test("with parameters of its own means something narrower than the plain type", () => {
    expect(accepted('image/avif;profile="x", image/webp')).toEqual(["webp"]);
    expect(accepted("image/avif;q=1;ext=1")).toEqual(["avif"]);
  });

  test("counts the first mention of a format", () => {
    expect(accepted("image/avif;q=0, image/avif")).toEqual([]);
    expect(accepted("image/avif, image/avif;q=0")).toEqual(["avif"]);
  });

  test("finds no format within a quoted string", () => {
    expect(accepted('text/x;p=",image/avif,", image/webp')).toEqual(["webp"]);
    expect(accepted('text/x;p="\\",image/avif,", image/webp')).toEqual(["webp"]);
    expect(accepted('text/x;p=",image/avif,')).toEqual([]);
  });

  test("is looked at up to its limits", () => {
    const filler = (ranges: number) => "a/b,".repeat(ranges);
    expect(accepted(`${filler(LIMITS.acceptRangesMax - 1)}image/avif`)).toEqual(["avif"]);
    expect(accepted(`${filler(LIMITS.acceptRangesMax)}image/avif`)).toEqual([]);
    const quoted = 'a/b;p="",';
    expect(accepted(`${quoted.repeat(LIMITS.acceptRangesMax - 1)}image/avif`)).toEqual(["avif"]);
    expect(accepted(`${quoted.repeat(LIMITS.acceptRangesMax)}image/avif`)).toEqual([]);
    const padded = (chars: number) => `${"x".repeat(chars - ",image/avif".length)},image/avif`;
    expect(accepted(padded(LIMITS.acceptCharsMax))).toEqual(["avif"]);
    expect(accepted(padded(LIMITS.acceptCharsMax + 1))).toEqual([]);
  });

  test("whatever it holds, only what it names comes out, each once", () => {
    const piece = fc.constantFrom(
      "image/avif",
      "image/webp",
      ";q=0.3",
      ";q=0",
      ",",
      '"',
      "\\",
      ";",
      " ",
    );
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 30 }), (accept) => {
        const formats = accepted(accept);
        expect(new Set(formats).size).toBe(formats.length);
        for (const format of formats) expect(accept).toContain(`image/${format}`);
      }),
    );
  });
});
