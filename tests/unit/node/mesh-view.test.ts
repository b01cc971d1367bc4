/** One node's picture of the whole mesh, of what it sees and what the others tell. */

import { describe, expect, test } from "bun:test";
import type { MeshServer } from "../../../src/http/mesh-document.ts";
import type { PeerStatus, StatusDocument } from "../../../src/http/status-document.ts";
import type { Told } from "../../../src/node/ask-all.ts";
import { meshDocument } from "../../../src/node/mesh-view.ts";
import { peerStatus, statusDocument } from "../../support/status-documents.ts";
import { read } from "../topology/small-file.ts";

const SERVERS = ["a", "b", "c", "d"];
const TOPOLOGY = topology();

function topology() {
  const found = read(`
[meta]
name = "test"
[[levels]]
${SERVERS.map((name) => `[[levels.servers]]\nname = "${name}"\ncache_dir = "${name}"\n`).join("")}
[[levels]]
[[levels.servers]]
name = "store"
origin_dir = "photos"
`);
  if (found.kind === "mistakes") throw new Error(JSON.stringify(found.mistakes));
  return found.topology;
}

const told = (server: string, peers: readonly PeerStatus[], more = {}): Told => ({
  kind: "status",
  at: 100,
  status: statusDocument({ server, peers, origins: [], ...more }),
});

function seen(self: string, tellers: readonly Told[], name: string): MeshServer | undefined {
  const byName = new Map(
    tellers.flatMap((t) => (t.kind === "status" ? [[t.status.server, t] as const] : [])),
  );
  const { levels } = meshDocument(TOPOLOGY, { self, at: 100, told: (s) => byName.get(s) });
  return levels.flatMap(({ servers }) => servers).find((server) => server.name === name);
}

describe("a server's state", () => {
  const says = (name: string, state: PeerStatus["state"]) => [peerStatus(name, { state })];

  test("is up where it tells itself", () => {
    expect(seen("a", [told("a", [])], "a")).toMatchObject({
      state: "up",
      seenBy: "a",
      rttMs: null,
    });
  });

  test("is what this node sees, whatever others say", () => {
    const tellers = [
      told("a", says("d", "up")),
      told("b", says("d", "down")),
      told("c", says("d", "down")),
    ];
    expect(seen("a", tellers, "d")).toMatchObject({ state: "up", seenBy: "a", rttMs: 0.4 });
  });

  test("is what most see, where this node does not watch it", () => {
    const tellers = [told("a", []), told("b", says("d", "up")), told("c", says("d", "up"))];
    expect(seen("a", tellers, "d")).toMatchObject({ state: "up", seenBy: "b" });
    const gone = [...tellers.slice(0, 2), told("c", says("d", "suspect"))];
    // in doubt the worse: that is what is looked for
    expect(seen("a", gone, "d")).toMatchObject({ state: "suspect", seenBy: "c" });
  });

  test("is up where nobody watches it and it tells of itself, else unknown", () => {
    expect(seen("a", [told("a", []), told("d", [])], "d")).toMatchObject({ state: "up" });
    expect(seen("a", [told("a", [])], "d")).toMatchObject({ state: "unknown", seenBy: null });
  });
});

describe("the document", () => {
  const byName = new Map<string, Told>([
    ["a", told("a", [])],
    ["b", { kind: "reason", reason: "no answer within 2 s" }],
  ]);
  const document = meshDocument(TOPOLOGY, { self: "a", at: 100, told: (name) => byName.get(name) });

  test("has every level in order, and says of each server what it tells or why it does not", () => {
    const [first, second] = document.levels;
    expect(document).toMatchObject({ at: 100, server: "a", name: "test", epoch: TOPOLOGY.epoch });
    expect(first?.servers.map(({ name, statusReason }) => [name, statusReason])).toEqual([
      ["a", undefined],
      ["b", "no answer within 2 s"],
      ["c", "it has not answered yet"],
      ["d", "it has not answered yet"],
    ]);
    expect(first?.servers[0]).toMatchObject({ statusAt: 100, region: null, draining: false });
    expect(second).toMatchObject({
      servers: [],
      origins: [{ kind: "directory", leftAlone: false }],
    });
  });

  test("says that a store is left alone when one node does so", () => {
    const name = document.levels[1]?.origins[0]?.name ?? "";
    const origins: StatusDocument["origins"] = [
      { origin: name, what: "body", leftAlone: true, waitMs: 100 },
    ];
    const b = told("b", [], { origins });
    const { levels } = meshDocument(TOPOLOGY, {
      ...{ self: "a", at: 100 },
      told: (server) => (server === "b" ? b : byName.get(server)),
    });
    expect(levels[1]?.origins[0]?.leftAlone).toBe(true);
  });
});
