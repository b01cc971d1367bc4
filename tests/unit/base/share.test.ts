/** A part of many, as people write it. */

import { expect, test } from "bun:test";
import { parseShare } from "../../../src/base/share.ts";

test("a share is off, all, a percentage or one in so many", () => {
  const given = ["off", "all", "1%", "0.5%", "100%", "0%", "1/1", "1/100", "1/4000"];
  expect(given.map(parseShare)).toEqual([0, 1, 0.01, 0.005, 1, 0, 1, 0.01, 0.00025]);
});

test("and nothing else", () => {
  const wrong = [
    "",
    "on",
    "true",
    "1",
    "0.5",
    "101%",
    "-1%",
    "1/0",
    "2/3",
    "1/",
    "%",
    "1 %",
    "ALL",
  ];
  expect(wrong.filter((text) => parseShare(text) !== undefined)).toEqual([]);
});
