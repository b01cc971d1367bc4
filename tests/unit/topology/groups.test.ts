/** Among whom ownership is decided. */

import { expect, test } from "bun:test";
import { groupsFrom, groupsOf } from "../../../src/topology/groups.ts";
import { workerSocketPath } from "../../../src/topology/hosts.ts";
import type { Level } from "../../../src/topology/topology.ts";
import { read } from "./small-file.ts";

function levelOf(...regions: (string | undefined)[]): Level {
  const servers = regions.map((region, i) => {
    const place = region === undefined ? "" : `region = "${region}"`;
    return `[[levels.servers]]\nname = "s${i}"\ncache_dir = "s${i}"\n${place}\n`;
  });
  const result = read(`[meta]\nname = "m"\n[[levels]]\n${servers.join("")}`);
  const level = result.kind === "ok" ? result.topology.levels[0] : undefined;
  if (level === undefined) throw new Error("the level does not read");
  return level;
}

const shown = (groups: ReturnType<typeof groupsOf>) =>
  groups.map((group) => `${group.region}: ${group.servers.map((s) => s.name).join(" ")}`);

test("a level without regions is one group", () => {
  expect(shown(groupsOf(levelOf(undefined, undefined)))).toEqual(["undefined: s0 s1"]);
});

test("a level where every server has a region has a group for each", () => {
  expect(shown(groupsOf(levelOf("eu", "us", "eu")))).toEqual(["eu: s0 s2", "us: s1"]);
});

test("a level where one server has none is one group", () => {
  expect(shown(groupsOf(levelOf("eu", undefined, "us")))).toEqual(["undefined: s0 s1 s2"]);
});

test("the group of one's own region comes first", () => {
  const level = levelOf("eu", "us", "asia");
  expect(shown(groupsFrom(level, "us"))).toEqual(["us: s1", "eu: s0", "asia: s2"]);
  expect(shown(groupsFrom(level, "africa"))).toEqual(["eu: s0", "us: s1", "asia: s2"]);
  expect(shown(groupsFrom(level, undefined))).toEqual(["eu: s0", "us: s1", "asia: s2"]);
});

test("a level of origins has no group", () => {
  expect(groupsOf({ index: 2, servers: [], origins: [] })).toEqual([]);
});

test("each worker has a socket of its own", () => {
  expect(workerSocketPath("/run/mir/edge1.sock", 0)).toBe("/run/mir/edge1.0.sock");
  expect(workerSocketPath("/run/mir/edge1", 12)).toBe("/run/mir/edge1.12.sock");
});
