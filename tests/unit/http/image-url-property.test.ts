/** The grammar of picture URLs, in both directions and against anything. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FORMATS } from "../../../src/base/variant.ts";
import { imageUrl } from "../../../src/http/image-url.ts";
import { parse, refusal } from "../../support/url-rules.ts";

const webIds = fc
  .stringMatching(/^[A-Za-z0-9._~-]{1,128}$/)
  .filter((text) => text !== "." && text !== "..");
const filenames = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => !/[\u0000-\u001f\u007f/\\\ufffd]/.test(text) && text.isWellFormed());

describe("in both directions", () => {
  test("what is written is read back", () => {
    fc.assert(
      fc.property(
        fc.record({
          webId: webIds,
          size: fc.constantFrom("xs", "sm", "md", "xl", "orig", "placeholder"),
          filename: filenames,
          ext: fc.constantFrom(...FORMATS, "auto"),
        }),
        ({ ext, ...parts }) => {
          const url = imageUrl({ prefix: "puddle", ...parts, ext });
          if (parts.size === "placeholder") {
            const isWebp = ext === "webp" || ext === "auto";
            expect(isWebp ? parse(url).format : refusal(url)).toBe(isWebp ? "webp" : "bad_format");
          } else {
            const format = parts.size === "orig" ? "auto" : ext;
            expect(parse(url)).toEqual({ ...parts, format });
          }
        },
      ),
    );
  });

  test("what is read is written and read to the same", () => {
    const anyEscape = fc.string({ unit: fc.constantFrom("%41", "%2e", ".", "a", "%C3%A4", "-") });
    fc.assert(
      fc.property(anyEscape, anyEscape, (webId, filename) => {
        const target = `/puddle/${webId}/200x100/${filename}.webp`;
        if (refusal(target) !== "accepted") return;
        const read = parse(target);
        const written = imageUrl({ prefix: "puddle", ...read, ext: read.format });
        expect(parse(written)).toEqual(read);
      }),
    );
  });

  test("whatever the target, the answer is a picture or a refusal with a code", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom("puddle", "md", "..", "%2e", "%00", "1x1", "p.jpg", "?", "#", "//", "%"),
    );
    const expected = ["accepted", "not_found", "bad_url", "bad_web_id", "bad_size", "bad_format"];
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        expect(expected).toContain(refusal(`/${pieces.join("/")}`));
        expect(expected).toContain(refusal(pieces.join("/")));
        expect(expected).toContain(refusal(`/puddle/${pieces.join("/")}`));
      }),
    );
  });
});
