/** Size classes: what a topology may say of each, and what must hold between them. */

import { expect, test } from "bun:test";
import { sizeNames } from "../../../src/topology/topology.ts";
import { mistakesOf, read, smallFile } from "./small-file.ts";

function size(name: string, width: number, height: number, ...more: string[]): string {
  return [`[[sizes]]\nname = "${name}"\nwidth = ${width}\nheight = ${height}`, ...more].join("\n");
}

function topologyWith(...more: string[]) {
  const result = read(smallFile({}, ...more));
  if (result.kind !== "ok") throw new Error(JSON.stringify(result.mistakes));
  return result.topology;
}

test("a class has a box, and what differs from [image] for it", () => {
  const own = ['fit = "cover"', "avif_quality = 40", "avif_effort = 4", 'auto_formats = ["webp"]'];
  const { sizes } = topologyWith(size("face", 96, 96, ...own), size("sm", 320, 240));
  expect(sizes).toEqual([
    {
      name: "face",
      width: 96,
      height: 96,
      fit: "cover",
      quality: { avif: 40 },
      avifEffort: 4,
      autoFormats: ["webp"],
    },
    { name: "sm", width: 320, height: 240 },
  ]);
});

test("the names of sizes are orig, the classes, the exact boxes and placeholder", () => {
  const names = sizeNames(topologyWith(size("a", 9, 9), '[image]\nexact_sizes = ["5x5"]'));
  expect(names).toEqual(["orig", "a", "5x5", "placeholder"]);
});

test("classes that crop or leave room may stand anywhere, whatever their box", () => {
  const crop = 'fit = "cover"';
  const room = 'fit = "contain"';
  const listed = [size("a", 100, 100), size("b", 50, 90, crop), size("c", 9, 9, room)];
  expect(mistakesOf(smallFile({}, ...listed, size("d", 200, 200)))).toEqual([]);
  const smaller = mistakesOf(smallFile({}, ...listed, size("d", 90, 200)));
  expect(smaller.map((row) => row.slice(2, 4))).toEqual([["sizes[3]", "90x200 after 100x100"]]);
});

test("one class at least shows pictures whole", () => {
  expect(mistakesOf(smallFile({}, size("b", 50, 90, 'fit = "cover"')))).toMatchObject([
    [24, 1, "sizes", "no class that shows pictures whole", expect.stringContaining("inside")],
  ]);
});

test("values of a class are checked like those of [image]", () => {
  const bad = size(
    "a",
    9,
    9,
    'fit = "crop"',
    "jpg_quality = 101",
    'auto_formats = ["webp","webp"]',
  );
  expect(mistakesOf(smallFile({}, bad)).map((row) => row.slice(2, 4))).toEqual([
    ["sizes[0].fit", '"crop"'],
    ["sizes[0].jpg_quality", "101"],
    ["sizes[0].auto_formats[1]", '"webp" a second time'],
  ]);
});
