/** A single byte range, and everything that is none. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { contentRange, parseRange } from "../../../src/http/range.ts";

const part = (header: string, total = 1000) => {
  const wish = parseRange(header, total);
  return wish.kind === "part" ? [wish.range.start, wish.range.end] : wish.kind;
};

describe("Range", () => {
  test("names the first and last byte", () => {
    expect(part("bytes=0-0")).toEqual([0, 0]);
    expect(part("bytes=5-9")).toEqual([5, 9]);
    expect(part("BYTES=5-9")).toEqual([5, 9]);
    expect(part("bytes=0-999")).toEqual([0, 999]);
  });

  test("without an end goes to the last byte", () => {
    expect(part("bytes=0-")).toEqual([0, 999]);
    expect(part("bytes=999-")).toEqual([999, 999]);
  });

  test("without a start counts from the end", () => {
    expect(part("bytes=-1")).toEqual([999, 999]);
    expect(part("bytes=-1000")).toEqual([0, 999]);
    expect(part("bytes=-5000")).toEqual([0, 999]);
  });

  test("past the end is cut to it", () => {
    expect(part("bytes=990-5000")).toEqual([990, 999]);
    expect(part(`bytes=990-${"9".repeat(400)}`)).toEqual([990, 999]);
  });

  test("of bytes that do not exist cannot be satisfied", () => {
    for (const header of [
      "bytes=1000-",
      "bytes=1000-2000",
      "bytes=-0",
      `bytes=${"9".repeat(400)}-`,
    ]) {
      expect([header, part(header)]).toEqual([header, "unsatisfiable"]);
    }
    expect(part("bytes=0-", 0)).toBe("unsatisfiable");
    expect(part("bytes=-1", 0)).toBe("unsatisfiable");
  });

  test("in several parts, malformed, or in another unit means the whole", () => {
    for (const header of [
      ...[
        "bytes=0-1,5-6",
        "bytes=0-1,",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "bytes=a-b",
      ],
      ...["bytes=+0-4", "bytes= 0-4", "bytes=0 -4", "bytes=0x1-4", "bytes=1.0-4", "bytes=0-4;x"],
      ...["items=0-4", "bytes 0-4", "bytes=--4", "bytes=0--4"],
    ]) {
      expect([header, part(header)]).toEqual([header, "whole"]);
    }
    expect(parseRange(null, 1000)).toEqual({ kind: "whole" });
  });

  test("is told back as Content-Range", () => {
    expect(contentRange({ start: 5, end: 9 }, 1000)).toBe("bytes 5-9/1000");
  });

  test("is always within the bytes there are", () => {
    const number = fc.oneof(fc.nat(3000).map(String), fc.constant(""));
    fc.assert(
      fc.property(number, number, fc.nat(2000), (first, last, total) => {
        const wish = parseRange(`bytes=${first}-${last}`, total);
        if (wish.kind !== "part") return;
        expect(wish.range.start).toBeGreaterThanOrEqual(0);
        expect(wish.range.start).toBeLessThanOrEqual(wish.range.end);
        expect(wish.range.end).toBeLessThan(total);
      }),
    );
  });
});
