/** Figures, bars and curves as people read them. */

import { expect, test } from "bun:test";
import { FINE, glyphsFor, PLAIN } from "../../../src/cli/glyphs.ts";
import { formatCount, formatMs, formatShare, formatSpan } from "../../../src/cli/words.ts";

test("spans have two units at most", () => {
  const spans = [0, 59.9, 60, 3599, 3600, 11_520, 86_399, 86_400, 460_800].map(formatSpan);
  expect(spans).toEqual(["0s", "59s", "1m", "59m", "1h00m", "3h12m", "23h59m", "1d0h", "5d8h"]);
});

test("counts, times and shares are short", () => {
  expect([0, 0.44, 9.96, 12.4, 9999, 10_000, 4_300_000].map(formatCount)).toEqual([
    ...["0", "0.4", "10.0", "12", "9999", "10.0k", "4.3M"],
  ]);
  expect([0.44, 9.96, 12.4, 999, 1300].map(formatMs)).toEqual([
    ...["0.4 ms", "10 ms", "12 ms", "999 ms", "1.3 s"],
  ]);
  expect([0, 0.999, 1, undefined].map(formatShare)).toEqual(["0 %", "99 %", "100 %", "–"]);
});

test("bars and curves are as wide as they should be, whatever they show", () => {
  for (const glyphs of [FINE, PLAIN]) {
    for (const share of [-1, 0, 0.01, 0.5, 1, 7]) expect(glyphs.bar(share, 8)).toHaveLength(8);
    expect(glyphs.curve([], 5)).toBe("     ");
    expect(glyphs.curve([1, 2, 3, 4, 5, 6, 7], 3)).toHaveLength(3);
    expect(glyphs.curve([0, 0], 3)).toBe("   ");
  }
  expect(FINE.bar(0.5, 4)).toBe("██··");
  expect(FINE.curve([0, 1, 8], 3)).toBe(" ▁█");
  expect(PLAIN.curve([8], 1, 16)).toBe("=");
});

test("characters beyond ASCII go only where the locale has them", () => {
  expect(glyphsFor({ LANG: "en_GB.UTF-8" })).toBe(FINE);
  expect(glyphsFor({ LANG: "en_GB.UTF-8", LC_ALL: "C" })).toBe(PLAIN);
  expect(glyphsFor({})).toBe(PLAIN);
});
