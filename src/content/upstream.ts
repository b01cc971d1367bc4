/** Asks the levels below: the owner in the next one, its runners-up, then the level after that (spec §1 step 5). */

import { Fault } from "../base/fault.ts";
import { relnameOf, type Variant } from "../base/variant.ts";
import type { PeerReply, PeerRequest } from "../mesh/link.ts";
import { budgetBelowMs, type Context } from "./context.ts";
import type { Parts } from "./parts.ts";

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
  const peers = parts.ownership.below(parts.self.name, options.wanted.id);
  for (const peer of peers) {
    const reply = await askPeer(parts, context, { ...options, peer });
    if (reply !== undefined) {
      if (options.facts !== true) parts.counters.add("upstream_fetch");
      return reply;
    }
  }
  return undefined;
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
