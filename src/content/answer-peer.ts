/** Answers what peers and the level above ask: as owner everything, as `local` only the disk (spec §4). */

import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  type Facts,
  ORIG,
  parseRelname,
  relnameOf,
  UNKNOWN_FACTS,
  type Variant,
} from "../base/variant.ts";
import type { AskFromPeer, PeerAnswer, PeerHandler } from "../mesh/peer.ts";
import type { Trace } from "../observe/trace.ts";
import { sendOf } from "./body-from.ts";
import { refuseLoop, startContext } from "./context.ts";
import { cheapest } from "./generate.ts";
import { tellHeat } from "./hot/tell-heat.ts";
import { type HotBodies, makeHotBodies } from "./hot-bodies.ts";
import { resident } from "./load.ts";
import { settleId } from "./mend.ts";
import { factsAsOwner, serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import type { Outcome, Served } from "./served.ts";
import { spansToTell, tellAsk, traceOfAsk } from "./tell-ask.ts";

const NO_VALIDATOR = "0".repeat(16);

/** Writes this node's member of `Cache-Status`, behind those it was given. */
export type StatusOf = (outcome: Outcome) => string;

export function makePeerHandler(parts: Parts, statusOf: StatusOf): PeerHandler {
  // an operator who wants nothing held in memory means this too
  const hotBodies = makeHotBodies(Math.min(LIMITS.hotBodiesBytesMax, parts.self.ramBytes));
  const answerTo = async (
    request: AskFromPeer,
    tracing: Trace | undefined,
  ): Promise<PeerAnswer> => {
    const wanted = parseRelname(request.relname);
    if (wanted === undefined) throw new Fault("bad_frame", "that is no relname of this mesh");
    parts.purged.refuseBlocked(wanted.id);
    const settling = settleId(parts, wanted.id);
    if (settling !== undefined) await settling;
    const context = startContext(parts.clock, {
      hops: request.hops,
      budgetMs: request.deadlineMs,
      originalExt: request.originalExt,
      ...(request.trace === undefined ? {} : { trace: request.trace }),
      // it can be marked only for those who know the mark
      standIns: request.standIn === true,
      signal: () => request.signal,
      tracing,
    });
    if (request.role === "owner") refuseLoop(context, parts.self.name);
    // before anything is looked up: what is found is at least that new
    const sourceAt = parts.purged.sourceAt(wanted.id);
    if (request.facts === true) {
      if (request.list === true) return listed(parts, wanted, sourceAt);
      if (request.role === "local") return offer(parts, wanted, sourceAt);
      const facts = await factsAsOwner(parts, wanted.id, context);
      return factsAnswer(wanted, facts, sourceAt);
    }
    // asked as owner: serve, generate, go upstream, or refuse; never sideways
    const served =
      request.role === "local"
        ? fromDisk(parts, wanted)
        : await serveAsOwner(parts, wanted, context);
    parts.counters.add(served.outcome.source === "hit" ? "lru_hit" : "lru_miss");
    const via = statusOf(served.outcome);
    const told = tellHeat(parts, request, served);
    const head = request.head === true;
    if (!head) parts.counters.add("peer_bytes", served.meta.bytes - (request.offset ?? 0));
    const spoiled = (): void => void parts.cache.inspectNow(served.meta.relname);
    return {
      ...answer(served, { via, head, sourceAt, hotBodies }),
      ...told,
      spoiled,
    };
  };
  return async (request) => {
    parts.counters.add("peer_request");
    const startedMs = parts.clock.monotonicMs();
    const trace = traceOfAsk(parts, request);
    try {
      const answer = await answerTo(request, trace);
      tellAsk(parts, request, { trace, startedMs, outcome: answer.detail });
      const spans = spansToTell(trace);
      return spans === undefined ? answer : { ...answer, spans };
    } catch (error) {
      tellAsk(parts, request, { trace, startedMs, outcome: asFault(error) });
      throw error;
    }
  };
}

function fromDisk(parts: Parts, wanted: Variant): Served {
  const meta = parts.local.look(parts.local.canonical(wanted));
  if (meta === undefined) throw new Fault("not_found", "not on this disk");
  return resident(parts, meta, { source: "hit", via: "" });
}

/** Facts of any variant on this disk, by the name of what serves best for the wanted one, if anything does. */
function offer(parts: Parts, wanted: Variant, sourceAt: number | undefined): PeerAnswer {
  const facts = parts.local.facts(wanted.id);
  if (facts === undefined) throw new Fault("not_found", "nothing of it is on this disk");
  const itself = wanted.size === ORIG ? undefined : parts.cache.peek(relnameOf(wanted));
  const meta = itself ?? cheapest(parts, { wanted, facts })?.meta;
  if (meta === undefined) return factsAnswer(wanted, facts, sourceAt);
  return { meta: { ...meta, facts, sourceAt }, via: "", detail: "hit", send: { kind: "none" } };
}

/** All that is on this disk, for people who look: no access is counted. */
function listed(parts: Parts, wanted: Variant, sourceAt: number | undefined): PeerAnswer {
  const variants = parts.local
    .variants(wanted.id)
    .slice(0, LIMITS.wireListedMax)
    .map(({ meta: { relname, bytes, validator } }) => ({ relname, bytes, validator }));
  const facts = parts.local.facts(wanted.id) ?? UNKNOWN_FACTS;
  return { ...factsAnswer(wanted, facts, sourceAt), variants };
}

function answer(
  served: Served,
  options: {
    readonly via: string;
    readonly head: boolean;
    readonly sourceAt: number | undefined;
    readonly hotBodies: HotBodies;
  },
): PeerAnswer {
  const meta = { ...served.meta, sourceAt: served.meta.sourceAt ?? options.sourceAt };
  const { source } = served.outcome;
  const mark = source === "stand-in" ? { standIn: true } : {};
  const common = { meta, via: options.via, detail: source, ...mark };
  if (options.head) {
    if (served.kind === "stream") served.body.cancel();
    return { ...common, send: { kind: "none" } };
  }
  const hot = served.kind === "file" ? options.hotBodies(served.meta, served.path) : undefined;
  return { ...common, send: hot === undefined ? sendOf(served) : { kind: "bytes", ...hot } };
}

function factsAnswer(wanted: Variant, facts: Facts, sourceAt: number | undefined): PeerAnswer {
  const relname = relnameOf(wanted);
  const nothing = { bytes: 0, validator: NO_VALIDATOR, modified: 0, lossySteps: 0 };
  const meta = { relname, ...nothing, facts, sourceAt };
  return { meta, via: "", detail: "hit", send: { kind: "none" } };
}
