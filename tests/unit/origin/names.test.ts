/** The names that are tried, and what they can never be. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import { isContentId } from "../../../src/base/variant.ts";
import { originNames } from "../../../src/origin/names.ts";

const paths = (id: string, ext?: string, upperCase = false): string[] =>
  [...originNames(id, { upperCase, ...(ext === undefined ? {} : { ext }) })].map(
    ({ path }) => path,
  );

describe("the names of an original", () => {
  test("are the relname, then flat, when the ext is known", () => {
    expect(paths("viral123", "png")).toEqual(["vi/ra/l1/orig/viral123.png", "viral123.png"]);
  });

  test("have the other spelling of the ext after ours", () => {
    expect(paths("viral123", "jpg")).toEqual([
      "vi/ra/l1/orig/viral123.jpg",
      "vi/ra/l1/orig/viral123.jpeg",
      "viral123.jpg",
      "viral123.jpeg",
    ]);
  });

  test("are those of each known ext when none is given: 12, so 12 probes for a picture that is not there", () => {
    const all = paths("viral123");
    expect(all).toHaveLength(12);
    expect(all.slice(6).join(" ")).toBe(
      "viral123.jpg viral123.png viral123.webp viral123.gif viral123.avif viral123.jpeg",
    );
  });

  test("are also flat under the web id of an escape, last", () => {
    expect(paths("web-cGhvbmU", "png")).toEqual([
      "we/b-/cG/orig/web-cGhvbmU.png",
      "web-cGhvbmU.png",
      "phone.png",
    ]);
  });

  test("are also flat in upper case where the store asks for it", () => {
    expect(paths("IMG_0042", "jpg", true).slice(2)).toEqual([
      "IMG_0042.jpg",
      "IMG_0042.jpeg",
      "IMG_0042.JPG",
      "IMG_0042.JPEG",
    ]);
  });

  test("are inside the store and of bounded length, whatever the id and the ext", () => {
    const idChars = fc.constantFrom(..."abcXYZ019_-");
    const ids = fc.oneof(
      fc.string({ unit: idChars, minLength: 6, maxLength: LIMITS.contentIdCharsMax }),
      fc.uint8Array({ maxLength: 60 }).map((b) => `web-${Buffer.from(b).toString("base64url")}`),
      fc.constantFrom("web-Li4", "web-Lg", "web-Li4vLi4", "web-L2V0Yw", "web-cGhvbmU"),
    );
    fc.assert(
      fc.property(
        ids.filter(isContentId),
        fc.option(fc.string(), { nil: undefined }),
        (id, ext) => {
          for (const path of paths(id, ext, true)) {
            expect(path).toMatch(
              /^(?:[A-Za-z0-9_-]{1,2}\/){3}orig\/[A-Za-z0-9_-]+\.[a-z]+$|^[A-Za-z0-9._~-]+\.[A-Za-z]+$/,
            );
            expect(path.split("/")).not.toContain("..");
            expect(path.length).toBeLessThanOrEqual(LIMITS.wireRelnameBytesMax);
          }
        },
      ),
    );
  });
});
