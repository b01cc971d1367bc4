/** Figures and scales of the dashboard, as people read them. */

import { describe, expect, test } from "bun:test";
import {
  bytes,
  cut,
  duration,
  figure,
  percent,
  plural,
  seconds,
} from "../../../../src/http/dashboard/format.ts";
import { linePath, niceTop, scaleFor, stack } from "../../../../src/http/dashboard/scale.ts";

describe("a figure", () => {
  test("is short", () => {
    expect([0, 0.42, 12, 99.94, 99.96, 999, 1_000, 12_340, 999_600].map(figure)).toEqual([
      "0",
      "0.4",
      "12",
      "99.9",
      "100",
      "999",
      "1 k",
      "12.3 k",
      "1 M",
    ]);
  });

  test("of bytes is in powers of 1024", () => {
    expect([0, 1023, 1024, 1536, 5 * 1024 ** 3, 2000 * 1024 ** 5].map(bytes)).toEqual([
      "0 B",
      "1 KiB",
      "1 KiB",
      "1.5 KiB",
      "5 GiB",
      "2000 PiB",
    ]);
  });

  test("of a part, and of none", () => {
    expect([percent(0.934), percent(1), percent(undefined)]).toEqual(["93.4 %", "100 %", "–"]);
  });

  test("of a latency goes down to microseconds and up to the last bound", () => {
    const shown = [0.00008, 0.0123, 1.234, Number.POSITIVE_INFINITY, undefined];
    expect(shown.map((value) => seconds(value, 30))).toEqual([
      "0.08 ms",
      "12.3 ms",
      "1.2 s",
      "> 30 s",
      "–",
    ]);
  });

  test("of a time that has passed", () => {
    expect([12, 300, 12_000, 360_000].map(duration)).toEqual([
      "12 s",
      "5 min",
      "3 h 20 min",
      "4 d 4 h",
    ]);
  });

  test("of a count goes with its word", () => {
    expect([plural(1, "worker"), plural(2, "copy", "copies")]).toEqual(["1 worker", "2 copies"]);
  });

  test("a name that is too long is cut", () => {
    expect([cut("edge-1", 6), cut("edge-us-east-1", 6)]).toEqual(["edge-1", "edge-…"]);
  });
});

describe("a scale", () => {
  test("ends at a round figure that nothing exceeds", () => {
    expect([1, 1.2, 3, 5, 7, 99, 100].map(niceTop)).toEqual([1, 2, 5, 5, 10, 100, 100]);
    const show = (value: number): string => String(value);
    expect(scaleFor([[3, 70], [12]], { unit: 1000, show })).toEqual({
      top: 100,
      ticks: [
        { part: 0.5, text: "50" },
        { part: 1, text: "100" },
      ],
    });
    expect(scaleFor([[1_500]], { unit: 1024, show: bytes }).ticks[1]?.text).toBe("2 KiB");
    expect(scaleFor([[]], { unit: 1024, show: bytes }).ticks[1]?.text).toBe("1 KiB");
  });

  test("stacks each series on those before it, and interrupts lines where there is no value", () => {
    const rows = stack([
      { look: "a", values: [1, 2] },
      { look: "b", values: [undefined, 3] },
    ]);
    expect(rows).toEqual([
      [1, 2],
      [1, 5],
    ]);
    const points = [{ x: 0, y: 1 }, { x: 1, y: 2 }, undefined, { x: 3, y: 4 }];
    expect(linePath(points)).toBe("M0 1L1 2M3 4");
  });
});
