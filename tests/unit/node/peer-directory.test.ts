/** Where peers listen, over changes of the topology. */

import { expect, test } from "bun:test";
import { makePeerDirectory } from "../../../src/node/peer-directory.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { read, smallFile } from "../topology/small-file.ts";

function topologyOf(text: string): Topology {
  const result = read(text);
  if (result.kind === "mistakes") throw new Error(JSON.stringify(result.mistakes));
  return result.topology;
}

const WITHOUT_B = smallFile({ 14: "", 15: "", 16: "", 17: "", 18: "", 19: "" });

test("a peer is found at its addresses; a stranger is at none", () => {
  const peers = makePeerDirectory(topologyOf(smallFile()));
  expect(peers.addresses("b").map(({ host, port }) => `${host}:${port}`)).toEqual([
    "127.0.0.1:7002",
  ]);
  expect(peers.addresses("nobody")).toEqual([]);
});

test("those that moved or went are named, and nobody else", () => {
  const peers = makePeerDirectory(topologyOf(smallFile()));
  expect(peers.follow(topologyOf(smallFile({ 16: 'cache_dir = "b"\nweight = 2' })))).toEqual([]);
  expect(peers.follow(topologyOf(smallFile({ 19: "port = 7003" })))).toEqual(["b"]);
  expect(peers.addresses("b")[0]?.port).toBe(7003);
  expect(peers.follow(topologyOf(WITHOUT_B))).toEqual(["b"]);
});

test("a peer that is legacy, or no longer, counts as moved", () => {
  const peers = makePeerDirectory(topologyOf(smallFile()));
  expect([peers.legacy("b"), peers.legacy("nobody")]).toEqual([false, false]);
  const legacy = topologyOf(smallFile({ 16: 'cache_dir = "b"\nlegacy = true' }));
  expect(peers.follow(legacy)).toEqual(["b"]);
  expect(peers.legacy("b")).toBe(true);
  expect(peers.follow(topologyOf(smallFile()))).toEqual(["b"]);
  expect(peers.legacy("b")).toBe(false);
});

test("one that went is still found until the next change", () => {
  const peers = makePeerDirectory(topologyOf(smallFile()));
  peers.follow(topologyOf(WITHOUT_B));
  expect(peers.addresses("b")).toHaveLength(1);
  peers.follow(topologyOf(WITHOUT_B.replace('name = "m"', 'name = "n"')));
  expect(peers.addresses("b")).toEqual([]);
});

test("the epoch is that of the topology followed now", () => {
  const heavier = topologyOf(smallFile({ 16: 'cache_dir = "b"\nweight = 2' }));
  const peers = makePeerDirectory(topologyOf(smallFile()));
  peers.follow(heavier);
  expect(peers.epoch).toBe(heavier.epoch);
});
