/** Asks the levels below: the owner in the next one, its runners-up, then the level after that (spec §1 step 5). */

import type { CallOff } from "../base/call-off.ts";
import { asFault, Fault } from "../base/fault.ts";
import { relnameOf, type Variant } from "../base/variant.ts";
import type { PeerReply, PeerRequest } from "../mesh/peer.ts";
import { spanOf } from "../observe/trace.ts";
import { serverNamed } from "../topology/topology.ts";
import { budgetBelowMs, type Context, traceWith } from "./context.ts";
import { type Attempt, firstOf } from "./first-of.ts";
import type { Parts } from "./parts.ts";
import { type Candidate, candidatesOf } from "./ranks.ts";
import { isOtherShape } from "./shape-said.ts";

export interface Question {
  readonly wanted: Variant;
  readonly facts?: boolean;
  /** Only what is said of it. */
  readonly head?: boolean;
  /** As in PeerRequest. */
  readonly copy?: boolean;
  /** First byte that is wanted. */
  readonly offset?: number;
  /** Nodes that have failed already while this was asked for. */
  readonly failed?: ReadonlySet<string>;
}

export interface Answered {
  readonly kind: "peer";
  readonly peer: string;
  readonly reply: PeerReply;
}

/**
 * The reply of the first node below that could be reached. undefined when there is no such level,
 * or none of its nodes can be reached: then the caller goes to the origin itself.
 * Throws what a reachable node answered: not found, undecodable, its own trouble with the origin.
 */
export async function askBelow(
  parts: Parts,
  context: Context,
  question: Question,
): Promise<Answered | undefined> {
  for (const ranks of levelsBelow(parts, question.wanted.id)) {
    const attempts = candidatesFor(parts, question, ranks).map((candidate) =>
      attemptOf(parts, context, { candidate, question }),
    );
    const first = await firstOf(attempts, () => mayHedge(parts));
    if (first.kind === "nobody") continue;
    if (question.facts !== true) {
      parts.counters.add("upstream_fetch");
      context.story?.from(first.answer.peer);
    }
    return first.answer;
  }
  return undefined;
}

/** Whether this node is the last one above the origin. */
export function isLowest(parts: Parts): boolean {
  return parts.ownership.upstreamGroup(parts.self.name) === undefined;
}

/** Whom of the ranks to ask. */
export function candidatesFor(
  parts: Parts,
  { wanted, failed }: Question,
  ranks: readonly string[],
): readonly Candidate[] {
  const { health, topology } = parts;
  const hedgeMs = topology.routing.ownerFirstByteMs;
  return candidatesOf(ranks, { id: wanted.id, health, hedgeMs, failed });
}

/** Whether a second request may be sent for a slow one; counts it. */
export function mayHedge({ hedges, counters }: Parts): boolean {
  const may = hedges.spend();
  if (may) counters.add("peer_hedge");
  return may;
}

/** One peer asked as owner; an answer that is not used is cut off. */
export function attemptOf(
  parts: Parts,
  context: Context,
  { candidate, question }: { readonly candidate: Candidate; readonly question: Question },
): Attempt<Answered> {
  const { peer, patience } = candidate;
  return {
    name: peer,
    patience,
    discard: ({ reply }) => reply.body.cancel(),
    // a suspect is asked for want of a better one
    isDoubtful: () => patience.whenLate === "hedge" && parts.health.state(peer) !== "up",
    run(callOff) {
      parts.hedges.earn();
      return askPeer(parts, context, { peer, question, callOff });
    },
  };
}

/**
 * One peer asked as owner. Rejects with a Fault: `peer_failed` when it cannot be reached, or has what was purged
 * here.
 */
export async function askPeer(
  parts: Parts,
  context: Context,
  asked: { readonly peer: string; readonly question: Question; readonly callOff?: CallOff },
): Promise<Answered> {
  const { peer, question, callOff } = asked;
  const request = requestOf(parts, context, question);
  const { level } = serverNamed(parts.topology, peer);
  const name = level === parts.self.level ? "peer" : "upstream";
  const ask = (): Promise<PeerReply> => parts.links.ask(peer, request, callOff);
  let reply: PeerReply;
  try {
    reply = await spanOf(context.tracing, name, ask);
  } catch (error) {
    const fault = asFault(error);
    // that it does not know the size is no fault of the request: others are asked
    throw fault.code === "bad_size" ? otherSizes(peer, fault) : fault;
  }
  takeTiming(context, peer, reply);
  return { kind: "peer", peer, reply: current(parts, { peer, wanted: question.wanted, reply }) };
}

/**
 * The reply, unless it is from before a purge, or of a size that means something else here: then it is given back,
 * and a Fault `peer_failed` thrown.
 */
export function current(
  parts: Pick<Parts, "purged" | "counters" | "log" | "topology">,
  given: { readonly peer: string; readonly wanted: Variant; readonly reply: PeerReply },
): PeerReply {
  const { purged, counters, log } = parts;
  const { peer, wanted, reply } = given;
  const { relname, sourceAt } = reply.meta;
  if (isOtherShape(parts, { relname, shape: reply.shape })) {
    reply.body.cancel();
    throw otherSizes(peer);
  }
  if (!purged.outdated(wanted.id, sourceAt)) return reply;
  reply.body.cancel();
  counters.add("purged_elsewhere");
  log.warn("peer has not heard of a purge", { peer, relname });
  throw new Fault("peer_failed", `the node ${peer} has what was purged`);
}

function otherSizes(peer: string, cause?: Fault): Fault {
  return new Fault("peer_failed", `the node ${peer} has other sizes`, { cause });
}

/** What the answering node says of where its time went. */
export function takeTiming(
  { tracing }: Pick<Context, "tracing">,
  peer: string,
  { spans = [] }: Pick<PeerReply, "spans">,
): void {
  if (tracing === undefined) return;
  tracing.from = peer;
  tracing.take(spans.map(({ us, ...span }) => ({ ...span, ms: us / 1000 })));
}

/** What of a trace is handed on with a question. */
export function tracingOf({
  tracing,
}: Pick<Context, "tracing">): Pick<PeerRequest, "traceparent" | "timed"> {
  if (tracing === undefined) return {};
  return { traceparent: tracing.traceparent, ...(tracing.timed ? { timed: true } : {}) };
}

export function requestOf(parts: Parts, context: Context, question: Question): PeerRequest {
  const { wanted, facts, head, copy, offset = 0 } = question;
  const { tracing, originalExt } = context;
  // of one shape, put together field by field: spreading costs more than all else here
  return {
    relname: relnameOf(wanted),
    role: "owner",
    deadlineMs: budgetBelowMs(context, parts.clock),
    hops: context.hops + 1,
    trace: traceWith(context, parts.self.name),
    traceparent: tracing?.traceparent,
    timed: tracing?.timed === true ? true : undefined,
    facts: facts === true ? true : undefined,
    head: head === true ? true : undefined,
    copy: copy === true ? true : undefined,
    standIn: context.standIns === true && offset === 0 ? true : undefined,
    offset: offset > 0 ? offset : undefined,
    originalExt,
  };
}

/** The rankings of the id at each level below, the nearest first. */
export function* levelsBelow(
  parts: Pick<Parts, "ownership" | "self">,
  id: string,
): Generator<readonly string[]> {
  const { ownership } = parts;
  let at: string | undefined = parts.self.name;
  while (at !== undefined) {
    yield ownership.upstreamRank(at, id);
    at = ownership.upstreamGroup(at)?.servers[0];
  }
}
