/** The epoch: what changes it, and what does not. */

import { expect, test } from "bun:test";
import { classesOf } from "../../../src/topology/epoch.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { read, smallFile } from "./small-file.ts";

function epochOf(text: string): string {
  return topologyOf(text).epoch;
}

function topologyOf(text: string): Topology {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(JSON.stringify(result.mistakes));
  return result.topology;
}

const EPOCH = epochOf(smallFile());

test("the epoch is 16 hex digits and does not change between versions of mir", () => {
  expect(EPOCH).toBe("6b3d008e6747b1ec");
});

test("what sizes say has a name of its own: boxes and fits change it, order too, quality does not", () => {
  const classesFor = (...lines: string[]): string => classesOf(topologyOf(smallFile({}, ...lines)));
  const sizeOf = (name: string, more = ""): string =>
    `[[sizes]]\nname = "${name}"\nwidth = 600\nheight = 600\n${more}`;
  const largest = sizeOf("lg").replaceAll("600", "2000");
  const before = classesFor(sizeOf("md"), largest);
  expect(classesFor(sizeOf("md", "jpg_quality = 5"), largest)).toBe(before);
  expect(classesFor(sizeOf("md", 'fit = "inside"'), largest)).toBe(before);
  const others = [
    classesFor(sizeOf("md", 'fit = "cover"'), largest),
    classesFor(sizeOf("hero"), largest),
    classesFor(sizeOf("md").replace("width = 600", "width = 601"), largest),
    classesFor(sizeOf("md"), largest, '[image]\npolicy = "exact"\nexact_sizes = ["10x10"]'),
    classesFor(sizeOf("md"), sizeOf("hero").replaceAll("600", "700"), largest),
    classesFor(sizeOf("hero"), sizeOf("md").replaceAll("600", "700"), largest),
  ];
  expect(new Set([before, ...others]).size).toBe(others.length + 1);
});

test.each<[string, string]>([
  ["comments and blank lines", `# hello\n\n${smallFile().replaceAll("\n", "  # x\n")}`],
  ["directories", smallFile({ 6: 'cache_dir = "elsewhere"' })],
  ["listeners", smallFile({ 10: "port = 1", 13: "port = 7999" })],
  ["settings of pictures", smallFile({}, "[image]\njpg_quality = 5")],
  [
    "a default that is written out",
    smallFile({ 6: 'cache_dir = "a"\nweight = 1.0\ndraining = false' }),
  ],
  ["the seed that is the name anyway", smallFile({}, '[routing]\nseed = "m"')],
  ["the origin", smallFile({ 22: 'name = "other"' })],
])("%s do not change the epoch", (_, text) => {
  expect(epochOf(text)).toBe(EPOCH);
});

test.each<[string, string]>([
  ["a server's name", smallFile({ 5: 'name = "c"' })],
  ["a region", smallFile({ 6: 'cache_dir = "a"\nregion = "eu"' })],
  ["a weight", smallFile({ 6: 'cache_dir = "a"\nweight = 2' })],
  ["draining", smallFile({ 6: 'cache_dir = "a"\ndraining = true' })],
  ["the level of a server", smallFile({ 14: "[[levels]]\n[[levels.servers]]" })],
  ["the seed", smallFile({}, '[routing]\nseed = "n"')],
  ["the mesh's name, which is the seed", smallFile({ 2: 'name = "n"' })],
  ["the algorithm", smallFile({}, '[routing]\nalgorithm = "md5-modulo"')],
])("%s changes the epoch", (_, text) => {
  expect(epochOf(text)).not.toBe(EPOCH);
});
