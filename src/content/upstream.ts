/** Asks the levels below: the owner in the next one, its runners-up, then the level after that (spec §1 step 5). */

import { Fault } from "../base/fault.ts";
import { relnameOf, type Variant } from "../base/variant.ts";
import type { PeerReply, PeerRequest } from "../mesh/peer.ts";
import { budgetBelowMs, type Context } from "./context.ts";
import type { Parts } from "./parts.ts";

/** Nodes of one level that are asked before that level counts as down. */
const RANKS_ASKED_MAX = 4;

/**
 * The reply of the first node below that could be reached. undefined when there is no such level,
 * or none of its nodes can be reached: then the caller goes to the origin itself.
 * Throws what a reachable node answered: not found, undecodable, its own trouble with the origin.
 */
export async function askBelow(
  parts: Parts,
  context: Context,
  options: { readonly wanted: Variant; readonly facts?: boolean },
): Promise<PeerReply | undefined> {
  for (const peers of levelsBelow(parts, options.wanted.id)) {
    for (const peer of peers.slice(0, RANKS_ASKED_MAX)) {
      const reply = await askPeer(parts, context, { ...options, peer });
      if (reply === undefined) continue;
      if (options.facts !== true) parts.counters.add("upstream_fetch");
      return reply;
    }
  }
  return undefined;
}

/** Whether this node is the last one above the origin. */
export function isLowest(parts: Parts): boolean {
  return parts.ownership.upstreamGroup(parts.self.name) === undefined;
}

/** The rankings of the id at each level below, the nearest first. */
function* levelsBelow(parts: Parts, id: string): Generator<readonly string[]> {
  const { ownership } = parts;
  let at: string | undefined = parts.self.name;
  while (at !== undefined) {
    yield ownership.upstreamRank(at, id);
    at = ownership.upstreamGroup(at)?.servers[0];
  }
}

/** undefined when the peer could not be reached, or broke off before it answered. */
export async function askPeer(
  parts: Parts,
  context: Context,
  options: { readonly peer: string; readonly wanted: Variant; readonly facts?: boolean },
): Promise<PeerReply | undefined> {
  const { peer, wanted } = options;
  const request: PeerRequest = {
    relname: relnameOf(wanted),
    role: "owner",
    deadlineMs: budgetBelowMs(context, parts.clock),
    hops: context.hops + 1,
    ...(options.facts === true ? { facts: true } : {}),
    ...(context.originalExt === undefined ? {} : { originalExt: context.originalExt }),
  };
  try {
    return await parts.links.ask(peer, request);
  } catch (error) {
    if (!(error instanceof Fault) || !isUnreachable(error)) throw error;
    parts.counters.add("peer_error");
    parts.log.warn("peer could not be asked", { peer, relname: request.relname, fault: error });
    return undefined;
  }
}

/** The peer itself is the trouble, not what it was asked for. */
function isUnreachable(fault: Fault): boolean {
  return fault.code === "peer_failed" || fault.code === "draining" || fault.code === "bad_frame";
}
