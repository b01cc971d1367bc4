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
  type VariantMeta,
} from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { AskFromPeer, PeerAnswer, PeerHandler } from "../mesh/peer.ts";
import type { Trace } from "../observe/trace.ts";
import { sendOf } from "./body-from.ts";
import { type Context, refuseLoop, startContext } from "./context.ts";
import { cheapest } from "./generate.ts";
import { tellHeat } from "./hot/tell-heat.ts";
import { type HotBodies, makeHotBodies } from "./hot-bodies.ts";
import { resident } from "./load.ts";
import { settleId } from "./mend.ts";
import { factsAsOwner, ownedHere, serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import type { Outcome, Served } from "./served.ts";
import { shapeSaid } from "./shape-said.ts";
import { isSound, publishedDigest } from "./sound.ts";
import { spansToTell, tellAsk, traceOfAsk } from "./tell-ask.ts";

const NO_VALIDATOR = "0".repeat(16);

/** Writes this node's member of `Cache-Status`, behind those it was given. */
export type StatusOf = (outcome: Outcome) => string;

export function makePeerHandler(parts: Parts, statusOf: StatusOf): PeerHandler {
  const { cache } = parts;
  // an operator who wants nothing held in memory means this too
  const bytesMax = Math.min(LIMITS.hotBodiesBytesMax, parts.self.ramBytes);
  const hotBodies = makeHotBodies(bytesMax, (meta, { bytes, xxh64 }) =>
    isSound(cache, { relname: meta.relname, seat: cache.seat(meta) }, bytes, xxh64),
  );
  const give = (asked: Asked, served: Served): PeerAnswer => {
    const { request, sourceAt } = asked;
    parts.counters.add(served.outcome.source === "hit" ? "lru_hit" : "lru_miss");
    const { held, load } = tellHeat(parts, request, served);
    const head = request.head === true;
    if (!head) parts.counters.add("peer_bytes", served.meta.bytes - (request.offset ?? 0));
    return {
      meta: { ...served.meta, sourceAt: served.meta.sourceAt ?? sourceAt },
      via: statusOf(served.outcome),
      detail: served.outcome.source,
      shape: shapeSaid(parts, served.meta.relname),
      standIn: served.outcome.source === "stand-in" ? true : undefined,
      send: toSend(cache, served, { head, hotBodies }),
      held,
      load,
      spoiled: () => inspect(cache, served.meta),
    };
  };
  const find = (asked: Asked, tracing: Trace | undefined): PeerAnswer | Promise<PeerAnswer> => {
    const { request, wanted, sourceAt } = asked;
    const context = contextOf(parts, request, tracing);
    if (request.role === "owner") refuseLoop(context, parts.self.name);
    if (request.facts === true) {
      if (request.list === true) return listed(parts, wanted, sourceAt);
      if (request.role === "local") return offer(parts, wanted, sourceAt);
      const finding = factsAsOwner(parts, wanted.id, context);
      return finding.then((facts) => factsAnswer(wanted, facts, sourceAt));
    }
    // asked as owner: serve, generate, go upstream, or refuse; never sideways
    const here = request.role === "local" ? fromDisk(parts, wanted) : ownedHere(parts, wanted);
    if (here !== undefined) return give(asked, here);
    return serveAsOwner(parts, wanted, context).then((served) => give(asked, served));
  };
  const answerTo = (
    request: AskFromPeer,
    tracing: Trace | undefined,
  ): PeerAnswer | Promise<PeerAnswer> => {
    const wanted = parseRelname(request.relname);
    if (wanted === undefined) throw new Fault("bad_frame", "that is no relname of this mesh");
    parts.purged.refuseBlocked(wanted.id);
    const settling = settleId(parts, wanted.id);
    // before anything is looked up: what is found is at least that new
    const asked = (): Asked => ({ request, wanted, sourceAt: parts.purged.sourceAt(wanted.id) });
    return settling === undefined
      ? find(asked(), tracing)
      : settling.then(() => find(asked(), tracing));
  };
  return (request) => {
    const startedMs = parts.clock.monotonicMs();
    const trace = traceOfAsk(parts, request);
    const told = (answer: PeerAnswer): PeerAnswer => {
      tellAsk(parts, request, { trace, startedMs, outcome: answer.detail });
      const spans = spansToTell(trace);
      return spans === undefined ? answer : { ...answer, spans };
    };
    const refused = (error: unknown): Promise<never> => {
      const fault = asFault(error);
      tellAsk(parts, request, { trace, startedMs, outcome: fault });
      return Promise.reject(fault);
    };
    let answer: PeerAnswer | Promise<PeerAnswer>;
    try {
      answer = answerTo(request, trace);
    } catch (error) {
      return refused(error);
    }
    return answer instanceof Promise ? answer.then(told, refused) : told(answer);
  };
}

/** A request, and what it is for. */
interface Asked {
  readonly request: AskFromPeer;
  readonly wanted: Variant;
  readonly sourceAt: number | undefined;
}

function contextOf(parts: Parts, request: AskFromPeer, tracing: Trace | undefined): Context {
  return startContext(parts.clock, {
    hops: request.hops,
    budgetMs: request.deadlineMs,
    originalExt: request.originalExt,
    trace: request.trace ?? "",
    // it can be marked only for those who know the mark
    standIns: request.standIn === true,
    signal: () => request.signal,
    tracing,
  });
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

/** At once where that is quick. */
function inspect(cache: Cache, { relname, bytes }: VariantMeta): void {
  if (bytes <= LIMITS.collectBytesMax) cache.inspectNow(relname);
  else void cache.inspect(relname);
}

function toSend(
  cache: Cache,
  served: Served,
  options: { readonly head: boolean; readonly hotBodies: HotBodies },
): PeerAnswer["send"] {
  if (options.head) {
    if (served.kind === "stream") served.body.cancel();
    return { kind: "none" };
  }
  const hot = served.kind === "file" ? options.hotBodies(served.meta, served.path) : undefined;
  if (hot !== undefined) return { kind: "bytes", bytes: hot.bytes, xxh64: hot.xxh64 };
  const send = sendOf(served);
  return send.kind === "file" ? { ...send, published: publishedDigest(cache, served.meta) } : send;
}

function factsAnswer(wanted: Variant, facts: Facts, sourceAt: number | undefined): PeerAnswer {
  const relname = relnameOf(wanted);
  const nothing = { bytes: 0, validator: NO_VALIDATOR, modified: 0, lossySteps: 0 };
  const meta = { relname, ...nothing, facts, sourceAt };
  return { meta, via: "", detail: "hit", send: { kind: "none" } };
}
