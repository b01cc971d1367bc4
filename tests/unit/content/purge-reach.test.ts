/** Telling every node of a purge: directly, through another, or not at all; and asking for what was missed. */

import { describe, expect, test } from "bun:test";
import { stringify } from "smol-toml";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import type { PurgeOrder } from "../../../src/cache/tombstone-state.ts";
import { type CatchUpParts, catchUp, pageSince } from "../../../src/content/purge-catch-up.ts";
import { openPurgeCursors } from "../../../src/content/purge-cursors.ts";
import { reachAll } from "../../../src/content/purge-reach.ts";
import type { Tell, Told } from "../../../src/mesh/tell.ts";
import { readTopology } from "../../../src/topology/read.ts";
import { serverNamed, type Topology } from "../../../src/topology/topology.ts";
import { freePort } from "../../support/free-port.ts";
import type { TempDir } from "../../support/temp-dir.ts";
import { block, emptyDir, NOW, openAt, purge, unblock } from "../../support/tombstones.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const NAMES = ["edge-1", "edge-2", "regional-1", "regional-2", "bulk-1"];

function topology(): Topology {
  const server = (name: string) => ({
    name,
    cache_dir: `/nowhere/${name}`,
    private: [{ host: "127.0.0.1", port: freePort() }],
  });
  const [a = "", b = "", c = "", d = "", e = ""] = NAMES;
  const levels = [
    { servers: [server(a), server(b)] },
    { servers: [server(c), server(d)] },
    { servers: [server(e)] },
  ];
  const text = stringify({ meta: { name: "test" }, levels });
  const read = readTopology(text, { file: "mesh.toml", baseDir: "/nowhere" });
  if (read.kind !== "ok") throw new Error(JSON.stringify(read.mistakes));
  return read.topology;
}

const MESH = topology();
const SELF = serverNamed(MESH, "edge-1");
type PurgeTell = Extract<Tell, { kind: "purge" }>;
type Answer = (peer: string, message: PurgeTell) => Promise<Record<string, unknown>>;

function linksTo(answer: Answer) {
  const told: string[] = [];
  return {
    told,
    links: {
      async tell(peer: string, message: Tell): Promise<Told> {
        if (message.kind !== "purge") throw new Error("another message");
        told.push(message.to === undefined ? peer : `${peer} for ${message.to}`);
        return { ok: true, note: "", detail: await answer(peer, message) };
      },
      ask: () => Promise.reject(new Error("nobody is asked")),
      state: () => ({ connections: 0, waiting: 0 }),
      forget() {},
      close() {},
    },
  };
}

const away = (): Fault => new Fault("peer_failed", "cannot be reached");
const had = [{ id: "harbour", variants: 2, bytes: 100 }];

describe("an order", () => {
  const reach = async (answer: Answer) => {
    const { log, clock } = watchedParts();
    const { links, told } = linksTo(answer);
    const nodes = await reachAll({ self: SELF, topology: MESH, links, clock, log }, [
      { id: "harbour", purgedAt: NOW, action: "purge" },
    ]);
    return { nodes, told };
  };

  test("is told to every server of every level but this one", async () => {
    const { nodes, told } = await reach(async () => ({ ids: had }));
    expect(told.toSorted()).toEqual(NAMES.slice(1).toSorted());
    expect(nodes.map(({ server }) => server)).toEqual(NAMES.slice(1));
    expect(nodes.every((node) => node.had?.[0]?.variants === 2)).toBe(true);
  });

  test("goes through a node nearer to one that cannot be told from here", async () => {
    const { nodes, told } = await reach(async (peer, { to }) => {
      if (peer === "bulk-1" || (peer === "regional-1" && to !== undefined)) throw away();
      return { ids: had };
    });
    const bulk = nodes.find(({ server }) => server === "bulk-1");
    expect(bulk).toMatchObject({ had, through: "regional-2", fault: undefined });
    expect(told).toContain("regional-1 for bulk-1");
  });

  test("that reaches a node in no way says why, after two others have tried", async () => {
    const { nodes, told } = await reach(async (peer, { to }) => {
      if (peer === "regional-2" || to === "regional-2") throw away();
      return { ids: had };
    });
    const missed = nodes.find(({ server }) => server === "regional-2");
    expect(missed).toMatchObject({ had: undefined, fault: "peer_failed" });
    expect(told.filter((one) => one.endsWith("for regional-2"))).toHaveLength(2);
  });

  test("whose answer is not one of ours counts as not told", async () => {
    const { nodes } = await reach(async () => ({ ids: "many" }));
    expect(nodes.every(({ fault }) => fault === "bad_frame")).toBe(true);
  });
});

describe("a node that was away", () => {
  /** Two nodes, of which one asks the other. */
  function pair(dir: TempDir, peerDir: TempDir) {
    const peer = openAt(peerDir, { seconds: NOW });
    const mine = openAt(dir, { seconds: NOW });
    const carried: PurgeOrder[] = [];
    const { log } = watchedParts();
    const { links, told } = linksTo(async (_, { since }) => {
      if (since === undefined) throw new Error("no question");
      return { ...pageSince(peer.tombstones, since) };
    });
    const here = {
      async carryOut(orders: readonly PurgeOrder[]) {
        carried.push(...orders);
        mine.tombstones.apply(orders);
        return [];
      },
    };
    const options = (): CatchUpParts => ({
      parts: { self: SELF, topology: MESH, log },
      ...{ links, here, tombstones: mine.tombstones, cursors: openPurgeCursors(dir.path, log) },
      random: () => 0.5,
    });
    return { peer, mine, carried, told, options };
  }

  test("asks its own level and those beside it, page by page, and comes to the same state", async () => {
    using dir = emptyDir();
    using peerDir = emptyDir();
    const { peer, mine, told, options } = pair(dir, peerDir);
    const ids = Array.from({ length: LIMITS.purgePageMax * 2 + 1 }, (_, i) => `picture-${i}`);
    peer.tombstones.apply(ids.map((id) => purge(id)));
    peer.tombstones.apply([block("picture-0", NOW + 1), unblock("picture-1", NOW + 1)]);
    expect(await catchUp(options(), 1)).toBe(1);
    expect(told).toHaveLength(3);
    for (const id of ids) {
      const { seq: _, ...wanted } = peer.tombstones.get(id) ?? { seq: 0 };
      expect(mine.tombstones.get(id)).toMatchObject(wanted);
    }
    expect(() => mine.purged.refuseBlocked("picture-0")).toThrow();
  });

  test("asks again from where it left off, also after a restart, and does nothing twice", async () => {
    using dir = emptyDir();
    using peerDir = emptyDir();
    const { peer, carried, options } = pair(dir, peerDir);
    peer.tombstones.apply([purge("harbour"), purge("meadow1")]);
    await catchUp(options(), LIMITS.purgeAskedFirstMax);
    expect(carried.map(({ id }) => id)).toEqual(["harbour", "meadow1"]);
    peer.tombstones.apply([purge("harbour", NOW + 9)]);
    await catchUp(options(), LIMITS.purgeAskedFirstMax);
    expect(carried.slice(2)).toEqual([purge("harbour", NOW + 9)]);
    expect(openPurgeCursors(dir.path, watchedParts().log).get("edge-2").seq).toBe(3);
  });

  test("asks at most so many, and passes over those that do not answer", async () => {
    using dir = emptyDir();
    using peerDir = emptyDir();
    const { options } = pair(dir, peerDir);
    const { links, told } = linksTo(() => Promise.reject(away()));
    expect(await catchUp({ ...options(), links }, LIMITS.purgeAskedMax)).toBe(0);
    expect(told.toSorted()).toEqual(["edge-2", "regional-1", "regional-2"]);
    expect(await catchUp({ ...options(), links }, 2)).toBe(0);
    expect(told).toHaveLength(5);
  });

  test("reads everything again when its note of how far it was is damaged", async () => {
    using dir = emptyDir();
    using peerDir = emptyDir();
    const { peer, options } = pair(dir, peerDir);
    peer.tombstones.apply([purge("harbour")]);
    dir.write(".mir/purge-cursors", "{");
    const { cursors } = options();
    expect(cursors.get("edge-2")).toEqual({ log: "", seq: 0 });
    expect(await catchUp(options(), 1)).toBe(1);
  });
});
