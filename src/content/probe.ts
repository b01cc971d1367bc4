/**
 * After a change of topology an owner looks for what it misses on the disks of those that may have owned it, before it
 * goes down a level (spec §4). With rendezvous rank 2 is the owner before a join; one that drains is ranked last.
 */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { relnameOf, type Variant } from "../base/variant.ts";
import type { PeerReply } from "../mesh/peer.ts";
import { spanOf } from "../observe/trace.ts";
import { serverNamed } from "../topology/topology.ts";
import { belowBody } from "./below-body.ts";
import { budgetBelowMs, type Context } from "./context.ts";
import type { Incoming } from "./fill.ts";
import { originalOf, type Sighting } from "./original.ts";
import type { Parts } from "./parts.ts";
import { current, takeTiming, tracingOf } from "./upstream.ts";

/** One float: the wall second until which every thread of this node probes. */
export type ProbeMemory = SharedArrayBuffer;

export function createProbeMemory(): ProbeMemory {
  return new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
}

/** Main's part: from now until that second. */
export function probeUntil(memory: ProbeMemory, wallSeconds: number): void {
  new Float64Array(memory)[0] = wallSeconds;
}

/** Whether content may still lie where it belonged before. */
export function openProbing(memory: ProbeMemory, clock: Clock): () => boolean {
  const until = new Float64Array(memory);
  return () => clock.wallSeconds() < (until[0] ?? 0);
}

/**
 * The variant on its way from the first peer that has it on disk; undefined when none has, or none answers soon. With
 * `holder`, who has it is known.
 */
export async function findAtPeers(
  parts: Parts,
  context: Context,
  wanted: Variant,
  holder?: string,
): Promise<Incoming | undefined> {
  if (holder !== undefined) return fetchFrom(parts, context, { wanted, holder });
  const peers = context.pastPeers === true ? [] : probed(parts, wanted.id);
  if (peers.length === 0) return undefined;
  parts.counters.add("rebalance_probe");
  // heads first: a body that is not wanted costs a connection
  const first = await firstOf(
    peers.map(async (peer) => {
      const reply = await ask(parts, context, { peer, wanted, how: { head: true } });
      reply.body.cancel();
      return peer;
    }),
  );
  if (first === undefined) return undefined;
  const found = await fetchFrom(parts, context, { wanted, holder: first });
  if (found !== undefined) parts.counters.add("rebalance_found");
  return found;
}

async function fetchFrom(
  parts: Parts,
  context: Context,
  { wanted, holder }: { readonly wanted: Variant; readonly holder: string },
): Promise<Incoming | undefined> {
  const reply = await firstOf([ask(parts, context, { peer: holder, wanted, how: {} })]);
  if (reply === undefined) return undefined;
  context.story?.from(holder);
  const { meta, via } = reply;
  const body = belowBody(parts, context, { kind: "peer", peer: holder, reply });
  return { meta, via, body, source: "peer" };
}

/** Facts of the picture from the first peer that has any variant of it. */
export async function factsAtPeers(
  parts: Parts,
  context: Context,
  id: string,
): Promise<Sighting | undefined> {
  return (await sightingAt(parts, context, { peers: probed(parts, id), wanted: originalOf(id) }))
    ?.reply.meta;
}

/** What a peer has of a picture. */
export interface Sight {
  readonly peer: string;
  readonly reply: PeerReply;
}

/**
 * From the peers that may have something of it: those that are probed after a change, else the next rank, which stood
 * in for this node if anybody did. The reply's name is that of what serves best for the wanted variant; without
 * bytes, nothing there does.
 */
export function lookNearby(
  parts: Parts,
  context: Context,
  wanted: Variant,
): Promise<Sight | undefined> {
  const moved = probed(parts, wanted.id);
  const peers = moved.length > 0 ? moved : nextRanks(parts, wanted.id);
  return sightingAt(parts, context, { peers, wanted });
}

async function sightingAt(
  parts: Parts,
  context: Context,
  { peers, wanted }: { readonly peers: readonly string[]; readonly wanted: Variant },
): Promise<Sight | undefined> {
  const asks = peers.map(async (peer) => {
    const reply = await ask(parts, context, { peer, wanted, how: { facts: true } });
    reply.body.cancel();
    return { peer, reply };
  });
  return firstOf(asks);
}

/** Of those that are up: who stood in for this node, if anybody did. */
export function nextRanks(
  { ownership, self, health, topology }: Parts,
  id: string,
): readonly string[] {
  return ownership
    .topRanks(self.level, self.region, id)
    .filter((name) => name !== self.name && health.state(name) === "up")
    .filter((name) => !serverNamed(topology, name).legacy)
    .slice(0, LIMITS.nearbyRanksMax);
}

/** The best ranks beside this node, and those that drain; nobody when all content lies where it belongs. */
export function probed(parts: Parts, id: string): readonly string[] {
  if (!parts.rebalancing()) return [];
  const { ownership, self, topology, health } = parts;
  const others = ownership
    .rank(self.level, self.region, id)
    .filter((name) => name !== self.name && health.state(name) !== "down")
    .map((name) => serverNamed(topology, name));
  const staying = others.filter((server) => !server.draining).slice(0, LIMITS.probedRanksMax);
  const leaving = others.filter((server) => server.draining).slice(0, LIMITS.probedDrainingMax);
  return [...staying, ...leaving].map((server) => server.name);
}

async function ask(
  parts: Parts,
  context: Context,
  options: {
    readonly peer: string;
    readonly wanted: Variant;
    readonly how: { readonly head?: true; readonly facts?: true };
  },
): Promise<PeerReply> {
  const { peer, wanted, how } = options;
  const leftMs = budgetBelowMs(context, parts.clock);
  const quick = how.head === true || how.facts === true;
  const request = {
    relname: relnameOf(wanted),
    role: "local",
    deadlineMs: quick ? Math.min(DEADLINES.probeMs, leftMs) : leftMs,
    hops: context.hops + 1,
    ...how,
    ...tracingOf(context),
  } as const;
  const { links } = parts;
  const reply = await spanOf(context.tracing, "probe", () => links.ask(peer, request));
  takeTiming(context, peer, reply);
  return current(parts, { peer, wanted, reply });
}

/** A probe that fails is one that found nothing: the level below is still there. */
async function firstOf<T>(asks: readonly Promise<T>[]): Promise<T | undefined> {
  try {
    return await Promise.any(asks);
  } catch {
    return undefined;
  }
}
