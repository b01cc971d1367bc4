/** After a change of topology: whom an owner asks for what it misses, and what it does with the answers. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { parseRelname, type Variant } from "../../../src/base/variant.ts";
import { startContext } from "../../../src/content/context.ts";
import {
  createProbeMemory,
  factsAtPeers,
  findAtPeers,
  openProbing,
  probeUntil,
} from "../../../src/content/probe.ts";
import { readAll } from "../../support/bodies.ts";
import { metaOf, relnameOfNumber } from "../../support/cache-dir.ts";
import { makeNodeParts, notThere, type PlayedPeers, replyOf } from "../../support/node-parts.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const EDGES = Array.from({ length: 6 }, (_, n) => `edge-${n}`);
const RELNAME = relnameOfNumber(1);
const META = metaOf(RELNAME, 3000);
const NAME: Variant = parseRelname(RELNAME) ?? { id: "", size: "", ext: "" };

/** The node that owns the name, and the others by rank. */
function ownerOf(draining: readonly string[] = []) {
  const [self = ""] = EDGES;
  using any = makeNodeParts({ self, edges: EDGES, draining });
  const [owner = "", ...others] = any.parts.ownership.rank(0, undefined, NAME.id);
  return { owner, others };
}

function find(self: string, peers: PlayedPeers, more: { draining?: readonly string[] } = {}) {
  const node = makeNodeParts({ self, edges: EDGES, peers, ...more });
  const context = startContext(node.parts.clock);
  return { node, context, incoming: findAtPeers(node.parts, context, NAME) };
}

describe("an owner that misses", () => {
  const { owner, others } = ownerOf();

  test("asks the next ranks for their disks only, and takes the body from one that has it", async () => {
    const { node, incoming } = find(owner, {
      async ask(peer, request) {
        if (peer === others[1]) return replyOf(META, request);
        throw notThere();
      },
    });
    using _ = node;
    const found = await incoming;
    if (found === undefined) throw new Error("nothing was found");
    expect(found).toMatchObject({ meta: META, source: "peer" });
    expect((await readAll(found.body)).length).toBe(META.bytes);
    const heads = node.asked.filter(({ request }) => request.head === true);
    expect(heads.map(({ peer }) => peer)).toEqual(others.slice(0, LIMITS.probedRanksMax));
    expect(new Set(node.asked.map(({ request }) => request.role))).toEqual(new Set(["local"]));
    expect(node.asked.length).toBe(LIMITS.probedRanksMax + 1);
    expect(node.watched.count("rebalance_probe")).toBe(1);
    expect(node.watched.count("rebalance_found")).toBe(1);
  });

  test("finds nothing where nobody has it or can be asked, which is no failure", async () => {
    const { node, incoming } = find(owner, {
      async ask(peer) {
        throw peer === others[0] ? notThere() : new Fault("peer_failed", "gone");
      },
    });
    using _ = node;
    expect(await incoming).toBeUndefined();
    expect(node.watched.count("rebalance_found")).toBe(0);
  });

  test("finds nothing when the one that had it has not when it is asked for the body", async () => {
    const { node, incoming } = find(owner, {
      async ask(_, request) {
        if (request.head === true) return replyOf(META, request);
        throw notThere();
      },
    });
    using _ = node;
    expect(await incoming).toBeUndefined();
  });

  test("asks servers that drain too, so many and no more, though they are ranked last", async () => {
    const draining = EDGES.filter((name) => name !== owner).slice(0, 4);
    const { others: ranked } = ownerOf(draining);
    const { node, incoming } = find(owner, {}, { draining });
    using _ = node;
    await incoming;
    const expected = [
      ...ranked.filter((name) => !draining.includes(name)).slice(0, LIMITS.probedRanksMax),
      ...ranked.filter((name) => draining.includes(name)).slice(0, LIMITS.probedDrainingMax),
    ];
    expect(node.asked.map(({ peer }) => peer)).toEqual(expected);
  });

  test("takes facts from whoever has any variant of the picture", async () => {
    const facts = { width: 640, height: 480, alpha: false, animated: false };
    using node = makeNodeParts({
      self: owner,
      edges: EDGES,
      peers: { ask: async (_, request) => replyOf({ ...META, facts }, request) },
    });
    const context = startContext(node.parts.clock);
    expect(await factsAtPeers(node.parts, context, NAME.id)).toMatchObject({ facts });
    expect(node.asked.every(({ request }) => request.facts === true)).toBe(true);
  });

  test("asks nobody once all content lies where it belongs", async () => {
    using node = makeNodeParts({ self: owner, edges: EDGES, probing: false });
    const context = startContext(node.parts.clock);
    expect(await findAtPeers(node.parts, context, NAME)).toBeUndefined();
    expect(await factsAtPeers(node.parts, context, NAME.id)).toBeUndefined();
    expect(node.asked).toEqual([]);
    expect(node.watched.count("rebalance_probe")).toBe(0);
  });
});

test("the window is the same for all threads, and closes at its second", () => {
  const { clock } = watchedParts();
  const memory = createProbeMemory();
  const probing = openProbing(memory, clock);
  expect(probing()).toBe(false);
  probeUntil(memory, clock.wallSeconds() + 10);
  expect(probing()).toBe(true);
  clock.advance(9_000);
  expect(openProbing(memory, clock)()).toBe(true);
  clock.advance(1_000);
  expect(probing()).toBe(false);
});
