/** Names as the index compares them. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../../src/base/limits.ts";
import { ORIGINAL_EXTS, relnameOf, type Variant } from "../../../src/base/variant.ts";
import { KEY, type KeyReader, openKeyReader, readKey, unpackId } from "../../../src/cache/key.ts";

const SIZES = ["orig", "xs", "x", "sm", "640x480", "640x481", "6", "thumbnail", "thumbnails"];

function readerOf(seeds: readonly [number, number] = [1, 2], sizes = SIZES): KeyReader {
  return openKeyReader(sizes, seeds);
}

const ID_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const anyId = fc.string({
  unit: fc.constantFrom(...ID_CHARS),
  minLength: LIMITS.contentIdCharsMin,
  maxLength: LIMITS.contentIdCharsMax,
});
const anyVariant: fc.Arbitrary<Variant> = fc.record({
  id: anyId,
  size: fc.constantFrom(...SIZES),
  ext: fc.constantFrom(...ORIGINAL_EXTS),
});

/** All that the index compares; words behind the end of the id left out. */
function keyOf(reader: KeyReader, relname: string): string {
  if (!readKey(reader, relname)) return "none";
  const chars = (reader.key[KEY.kind] ?? 0) >>> 16;
  return `${reader.key[KEY.kind]} ${unpackId(reader.key, KEY.id, chars)}`;
}

describe("a key", () => {
  test("gives back the id, the size and the ext of every name", () => {
    const reader = readerOf();
    fc.assert(
      fc.property(anyVariant, (variant) => {
        expect(readKey(reader, relnameOf(variant))).toBe(true);
        const kind = reader.key[KEY.kind] ?? 0;
        expect(unpackId(reader.key, KEY.id, kind >>> 16)).toBe(variant.id);
        expect(SIZES[kind & 255]).toBe(variant.size);
        expect(ORIGINAL_EXTS[(kind >>> 8) & 255]).toBe(variant.ext as "jpg");
      }),
    );
  });

  test("is the same for the same name only, whatever was asked before", () => {
    const reader = readerOf();
    fc.assert(
      fc.property(anyVariant, anyVariant, (a, b) => {
        const [first, second] = [keyOf(reader, relnameOf(a)), keyOf(reader, relnameOf(b))];
        expect(first === second).toBe(relnameOf(a) === relnameOf(b));
        expect(keyOf(reader, relnameOf(a))).toBe(first);
      }),
    );
  });

  test("is had by no text that is not a whole name of a known size", () => {
    const reader = readerOf();
    const good = "vi/ra/l1/xs/viral123.jpg";
    expect(readKey(reader, good)).toBe(true);
    const bad = [
      "",
      "v",
      "vi/ra/l1/",
      "vi/ra/l1/xs",
      "vi/ra/l1/xs/",
      "vi/ra/l1/xs/viral123",
      "vi/ra/l1/xs/viral123.",
      "vi/ra/l1/xs/viral123.jpgx",
      "vi/ra/l1/xs/viral123.jp",
      "vi/ra/l1/xs/viral123.jpg.jpg",
      "vi/ra/l1/xs/viral123.jpg/",
      "vi/ra/l1/xs/viral/23.jpg",
      "vi/ra/l1/xs/viral 23.jpg",
      "vi/ra/l1/xs/viral\u016123.jpg",
      "vi/ra/l1/xs/viral.jpg",
      "vi/ra/l1/xl/viral123.jpg",
      "vi/ra/l1/xsx/viral123.jpg",
      "vi/ra/l1/s/viral123.jpg",
      "vi/ra/l2/xs/viral123.jpg",
      "ab/cd/ef/xs/viral123.jpg",
      "vi.ra.l1.xs.viral123.jpg",
      "vi/ra/l1.xs/viral123.jpg",
      `aa/aa/aa/xs/${"a".repeat(LIMITS.contentIdCharsMax + 1)}.jpg`,
    ];
    for (const text of bad) expect([text, readKey(reader, text)]).toEqual([text, false]);
    expect(readKey(reader, `aa/aa/aa/xs/${"a".repeat(LIMITS.contentIdCharsMax)}.jpg`)).toBe(true);
  });

  test("tells 255 sizes apart that begin alike", () => {
    const sizes = Array.from({ length: 255 }, (_, n) => `thumbnail${n}`);
    const reader = readerOf([1, 2], sizes);
    for (const [code, size] of sizes.entries()) {
      expect(readKey(reader, `vi/ra/l1/${size}/viral123.jpg`)).toBe(true);
      expect((reader.key[KEY.kind] ?? 0) & 255).toBe(code);
    }
  });

  test("has hashes that every character, the size, the ext and both seeds take part in", () => {
    const name = (variant: Partial<Variant>) =>
      relnameOf({ id: "viral123", size: "xs", ext: "jpg", ...variant });
    const hashes = (reader: KeyReader, relname: string) =>
      readKey(reader, relname) ? [reader.key[KEY.h1], reader.key[KEY.h2]] : [];
    const reader = readerOf();
    const seen = [
      hashes(reader, name({})),
      hashes(reader, name({ size: "sm" })),
      hashes(reader, name({ ext: "png" })),
      hashes(readerOf([1, 3]), name({})),
      hashes(readerOf([2, 2]), name({})),
      ...Array.from({ length: 96 }, (_, n) =>
        hashes(reader, name({ id: `${"a".repeat(n)}b${"a".repeat(95 - n)}` })),
      ),
    ];
    expect(hashes(reader, name({}))).toEqual(seen[0] ?? []);
    for (const half of [0, 1]) expect(new Set(seen.map((pair) => pair[half])).size).toBe(101);
  });

  test("spreads names that differ in little over the whole table", () => {
    const reader = readerOf([77, 78]);
    const taken = new Uint16Array(1024);
    for (let n = 0; n < 64_000; n++) {
      readKey(reader, relnameOf({ id: `picture${n}`, size: "xs", ext: "jpg" }));
      const home = Math.floor(((reader.key[KEY.h1] ?? 0) >>> 0) / 2 ** 22);
      taken[home] = (taken[home] ?? 0) + 1;
    }
    // 62.5 on average; eight standard deviations of an even spread
    expect(Math.max(...taken)).toBeLessThan(126);
    expect(Math.min(...taken)).toBeGreaterThan(10);
  });
});
