/** Relnames, both ways (spec §3). */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  FORMATS,
  ORIGINAL_EXTS,
  originalNames,
  parseRelname,
  relnameOf,
} from "../../../src/base/variant.ts";

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

test("relnames that were read stay readable, remembered or not, and no more are remembered than may be", () => {
  const relname = (n: number) => relnameOf({ id: `number${n}`, size: "md", ext: "jpg" });
  const first = parseRelname(relname(0));
  expect(parseRelname(relname(0))).toBe(first);
  for (let n = 1; n <= LIMITS.relnameMemoMax; n++) parseRelname(relname(n));
  expect(parseRelname(relname(0))).not.toBe(first);
  expect(parseRelname(relname(0))).toEqual(first);
});

test("an original is looked for under its own ext first, then under each of the others once", () => {
  const names = originalNames("viral123", "heic");
  expect(names[0]).toBe("vi/ra/l1/orig/viral123.heic");
  expect(new Set(names)).toEqual(
    new Set(ORIGINAL_EXTS.map((ext) => relnameOf({ id: "viral123", size: "orig", ext }))),
  );
  expect(names).toHaveLength(ORIGINAL_EXTS.length);
  expect(originalNames("viral123", "heic")).toBe(names);
  expect(originalNames("viral123", "png")[0]).toBe("vi/ra/l1/orig/viral123.png");
});

test("the names of an original are remembered for so many ids and no more", () => {
  const names = originalNames("viral123", "png");
  for (let n = 0; n <= LIMITS.originalNamesMemoMax; n++) originalNames(`number${n}`, "jpg");
  expect(originalNames("viral123", "png")).not.toBe(names);
  expect(originalNames("viral123", "png")).toEqual(names);
});

test("whatever is read as a relname is written the same, and one spoilt anywhere is mostly refused", () => {
  const good = fc
    .tuple(fc.stringMatching(/^[A-Za-z0-9_-]{6,96}$/), fc.constantFrom("md", "orig", "800x600"))
    .map(([id, size]) => relnameOf({ id, size, ext: "jpg" }));
  const odd = fc.constantFrom("", "/", "..", ".", "\0", "é", "a", "A", "0", "jpg", "//");
  const spoilt = fc
    .record({ text: good, at: fc.nat(), cut: fc.nat({ max: 3 }), put: odd })
    .map(({ text, at, cut, put }) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + put + text.slice(from + cut);
    });
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(good, spoilt), (text) => {
      const variant = parseRelname(text);
      if (variant === undefined) refused++;
      else expect(relnameOf(variant)).toBe(text.startsWith("/") ? text.slice(1) : text);
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(500);
  expect(refused).toBeLessThan(2500);
});
