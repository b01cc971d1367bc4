/** Validators against what clients hold. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  etagOf,
  isNotModified,
  rangeApplies,
  type Validators,
} from "../../../src/http/conditional.ts";
import { formatHttpDate, parseHttpDate } from "../../../src/http/http-date.ts";

const NOW = Date.UTC(2026, 0, 1) / 1000;
const MODIFIED = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;
const HELD: Validators = { etag: '"0123456789abcdef-rs"', modified: MODIFIED };

const notModified = (headers: Record<string, string>): boolean =>
  isNotModified(new Headers(headers), HELD, NOW);

describe("the entity tag", () => {
  test("is strong: validator and length", () => {
    expect(etagOf({ validator: "0123456789abcdef", bytes: 1000 })).toBe(HELD.etag);
  });
});

describe("If-None-Match", () => {
  test("that holds our tag, weak or strong, anywhere in its list, is 304", () => {
    for (const list of [
      HELD.etag,
      `W/${HELD.etag}`,
      `"a", ${HELD.etag}`,
      `"a",W/"b" , W/${HELD.etag},"c"`,
      `,, "a,b" ,${HELD.etag}`,
      `"", ${HELD.etag}`,
      "*",
      " * ",
    ]) {
      expect([list, notModified({ "if-none-match": list })]).toEqual([list, true]);
    }
  });

  test("that holds other tags, or none at all, is not", () => {
    for (const list of [
      '"other"',
      "0123456789abcdef-rs",
      `"x${HELD.etag}"`,
      `w/${HELD.etag}`,
      '"a", *',
      "",
      `nonsense, ${HELD.etag}`,
      `"unclosed, ${HELD.etag.slice(1)}`,
    ]) {
      expect([list, notModified({ "if-none-match": list })]).toEqual([list, false]);
    }
  });

  test("leaves If-Modified-Since unread", () => {
    const since = formatHttpDate(MODIFIED);
    expect(notModified({ "if-modified-since": since })).toBe(true);
    expect(notModified({ "if-modified-since": since, "if-none-match": '"x"' })).toBe(false);
  });

  test("of many thousand characters is read in one pass", () => {
    expect(notModified({ "if-none-match": `${'"a",'.repeat(4000)}${HELD.etag}` })).toBe(true);
    expect(notModified({ "if-none-match": ", ".repeat(8000) })).toBe(false);
    expect(notModified({ "if-none-match": `"${"a".repeat(16_000)}` })).toBe(false);
  });
});

describe("If-Modified-Since", () => {
  test("at or after our date is 304", () => {
    expect(notModified({ "if-modified-since": formatHttpDate(MODIFIED) })).toBe(true);
    expect(notModified({ "if-modified-since": formatHttpDate(MODIFIED + 1) })).toBe(true);
    expect(notModified({ "if-modified-since": formatHttpDate(MODIFIED - 1) })).toBe(false);
  });

  test("that is no HTTP date is ignored", () => {
    for (const text of ["", "yesterday", "2026-01-01T00:00:00Z", String(NOW), "Sun, 06 Nov 2094"]) {
      expect([text, notModified({ "if-modified-since": text })]).toEqual([text, false]);
    }
  });
});

describe("If-Range", () => {
  const applies = (value: string | null): boolean => rangeApplies(value, HELD, NOW);

  test("that is absent, or our very tag or date, lets a range be answered", () => {
    expect(applies(null)).toBe(true);
    expect(applies(HELD.etag)).toBe(true);
    expect(applies(formatHttpDate(MODIFIED))).toBe(true);
  });

  test("that is weak, a list, or another tag or date does not", () => {
    const others = [`W/${HELD.etag}`, '"x"', `${HELD.etag}, "x"`, "*", ""];
    const dates = [MODIFIED - 1, MODIFIED + 1].map(formatHttpDate);
    for (const value of [...others, ...dates]) {
      expect([value, applies(value)]).toEqual([value, false]);
    }
  });
});

describe("HTTP dates", () => {
  test("are written as IMF-fixdate and read in all three forms", () => {
    expect(formatHttpDate(MODIFIED)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
    for (const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]) {
      expect([text, parseHttpDate(text, NOW)]).toEqual([text, MODIFIED]);
    }
  });

  test("with two digits of a year are at most 50 years ahead", () => {
    const year = (text: string): number =>
      new Date((parseHttpDate(text, NOW) ?? 0) * 1000).getUTCFullYear();
    expect(year("Friday, 01-Jan-76 00:00:00 GMT")).toBe(2076);
    expect(year("Friday, 01-Jan-77 00:00:00 GMT")).toBe(1977);
  });

  test("that cannot be are none", () => {
    for (const text of [
      "Sun, 31 Jun 2020 00:00:00 GMT",
      "Sun, 00 Jan 2020 00:00:00 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1994 08:49:37 PST",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      " Sun, 06 Nov 1994 08:49:37 GMT",
    ]) {
      expect([text, parseHttpDate(text, NOW)]).toEqual([text, undefined]);
    }
  });

  test("are read back as written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        expect(parseHttpDate(formatHttpDate(seconds), NOW)).toBe(seconds);
      }),
    );
  });
});
