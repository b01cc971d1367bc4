/** The life of a request: the numbered list of spec §1, in order. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type Facts, type Format, ORIG, relnameOf, type Variant } from "../base/variant.ts";
import { canAnimate } from "../image/fit.ts";
import { spanOf } from "../observe/trace.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { serverNamed } from "../topology/topology.ts";
import { collectPeerBody } from "./collect.ts";
import { type Context, startContext } from "./context.ts";
import { askHolder, knowsHolder } from "./hot/ask-holder.ts";
import { flightOf } from "./load.ts";
import { settleId } from "./mend.ts";
import { originalOf } from "./original.ts";
import { factsAsOwner, serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import { askLevel, ownerHere, peerBody, restOf } from "./peers.ts";
import {
  type ContentRequest,
  type Elsewhere,
  type FetchContent,
  HIT,
  type Served,
} from "./served.ts";
import { leaveAtEnd } from "./waiters.ts";

/** At a server that does not own the picture; the next one counts in the hot-item tracker. */
const PASSING_ACCESSES = 2;

/** What is here is answered before it returns: no promise is made for a hit (bench/versus/hit.ts). */
export function makeFetchContent(parts: Parts): FetchContent {
  const { counters, paths } = parts;
  return (request) => {
    // 1. path resolution: web id → content id
    const known = paths.look(request.webId);
    counters.add(known === undefined ? "path_cache_miss" : "path_cache_hit");
    return known === undefined
      ? resolve(parts, request).then((resolution) => named(parts, request, resolution))
      : named(parts, request, known);
  };
}

async function resolve(parts: Parts, { webId, tracing }: ContentRequest): Promise<Resolution> {
  const trace = tracing?.();
  const resolution = await spanOf(trace, "resolve", () => parts.resolve(webId, trace?.traceparent));
  parts.paths.keep(webId, resolution);
  return resolution;
}

type Answer = ReturnType<FetchContent>;
type Known = Extract<Resolution, { readonly id: string }>;

function named(parts: Parts, request: ContentRequest, resolution: Resolution): Answer {
  if (resolution.kind === "unknown") throw new Fault("not_found", "no such picture");
  parts.purged.refuseBlocked(resolution.id);
  const settling = settleId(parts, resolution.id);
  return settling === undefined
    ? found(parts, request, resolution)
    : settling.then(() => found(parts, request, resolution));
}

function found(parts: Parts, request: ContentRequest, resolution: Known): Answer {
  const { id, ext: originalExt } = resolution;
  const known = formatHere(parts, request, resolution);
  if (known !== undefined) {
    const wanted = parts.local.canonical({ id, size: request.size, ext: known });
    return (
      hit(parts, wanted) ?? miss(parts, request, wanted, startWith(parts, request, originalExt))
    );
  }
  const context = startWith(parts, request, originalExt);
  return factsOf(parts, id, context).then((facts) => {
    const ext = fittingFormat(request, facts);
    const wanted = parts.local.canonical({ id, size: request.size, ext });
    return hit(parts, wanted) ?? miss(parts, request, wanted, context);
  });
}

function startWith(
  { clock }: Parts,
  { signal, tracing }: ContentRequest,
  originalExt: string | undefined,
): Context {
  return startContext(clock, { originalExt, standIns: true, signal, tracing: tracing?.() });
}

/** 2. local: this server has the variant, as owner or replica. */
function hit(parts: Parts, wanted: Variant): Served | undefined {
  const { cache, counters, local, recorder } = parts;
  const meta = local.look(wanted);
  if (meta === undefined) return undefined;
  counters.add("lru_hit");
  parts.hot.asked(meta.relname);
  const owner = otherOwner(parts, wanted.id);
  // a replica's hits keep the owner's copy from looking unused
  if (owner !== undefined) recorder.hit(owner, meta.relname);
  return { kind: "file", meta, outcome: HIT, path: cache.pathOf(meta.relname) };
}

function miss(
  parts: Parts,
  request: ContentRequest,
  wanted: Variant,
  context: Context,
): Promise<Served | Elsewhere> {
  parts.counters.add("lru_miss");

  // 3. peer streaming: another server of this level owns it
  const owner = otherOwner(parts, wanted.id);
  if (owner !== undefined) {
    // two accesses say nothing yet (spec §7)
    if (parts.paths.accessed(request.webId) > PASSING_ACCESSES) {
      parts.hot.asked(relnameOf(wanted));
    }
    // nobody is sent to an owner that cannot answer
    const may = parts.health.takes(owner, wanted.id);
    const elsewhere = may ? ownerForClient(parts, request, owner) : undefined;
    if (elsewhere === undefined) return fromLevel(parts, wanted, context);
    parts.counters.add("redirected");
    return Promise.resolve(elsewhere);
  }

  // 4. generation, 5. upstream, 6. origin
  return serveAsOwner(parts, wanted, context);
}

/** Where `peer_mode` sends the client instead of passing on what the owner has; undefined: nowhere. */
export function ownerForClient(
  { topology }: Parts,
  request: Pick<ContentRequest, "redirected" | "size">,
  owner: string,
): Elsewhere | undefined {
  const { peerMode } = topology.routing;
  if (peerMode === "stream" || request.redirected) return undefined;
  if (peerMode === "redirect-originals" && request.size !== ORIG) return undefined;
  const target = serverNamed(topology, owner).redirectTarget;
  return target === undefined ? undefined : { kind: "elsewhere", target };
}

/**
 * `auto` becomes a format before any key is formed (spec §2); an original keeps its own. undefined: the facts of
 * the picture decide, and they are not known here.
 */
function formatHere(
  parts: Parts,
  request: ContentRequest,
  { id, ext }: Extract<Resolution, { kind: "known" }>,
): string | undefined {
  if (request.size === ORIG) return ext ?? "bin";
  if (request.format !== "auto") return request.format;
  const [best] = request.accepted;
  if (best !== undefined && request.accepted.every(canAnimate)) return best;
  const facts = parts.local.facts(id);
  return facts === undefined ? undefined : fittingFormat(request, facts);
}

/** No still is better than a picture that moves (spec §6). */
function fittingFormat({ accepted }: ContentRequest, facts: Facts): Format {
  const fitting = facts.animated ? accepted.find(canAnimate) : accepted[0];
  return fitting ?? baseFormat(facts);
}

/** Who owns the id at this level; undefined: this node, or nobody. */
export function otherOwner({ ownership, self }: Parts, id: string): string | undefined {
  const [rank1] = ownership.topRanks(self.level, self.region, id);
  return rank1 === self.name ? undefined : rank1;
}

async function factsOf(parts: Parts, id: string, context: Context): Promise<Facts> {
  const { local } = parts;
  if (otherOwner(parts, id) === undefined) return factsAsOwner(parts, id, context);
  const answer = await askLevel(parts, context, {
    question: { wanted: originalOf(id), facts: true },
    own: { run: () => factsAsOwner(parts, id, context), discard: () => undefined },
  });
  if (answer.kind === "self") return answer.answer;
  const { body, meta } = answer.reply;
  body.cancel();
  local.remember(id, meta.facts, meta.sourceAt);
  return meta.facts;
}

/** From the owner or who stands in for it, once for all who ask here at the same time. */
async function fromLevel(parts: Parts, wanted: Variant, context: Context): Promise<Served> {
  const key = flightOf(parts, wanted);
  const leave = parts.waiters.enter(key);
  try {
    const served = await parts.sharedAsks.ask(parts, key, {
      context,
      run: (signal) => askOnce(parts, wanted, { ...context, signal }),
      goOn: ({ meta }, offset) =>
        restOf(parts, { ...context, signal: undefined }, { meta, offset }),
    });
    const { source, via } = served.outcome;
    const fromPeer = source === "peer" || (source === "stand-in" && via !== "");
    if (fromPeer) parts.counters.add("cross_peer_stream");
    if (served.kind === "stream") return { ...served, body: leaveAtEnd(served.body, leave) };
    leave();
    return served;
  } catch (error) {
    leave();
    throw error;
  }
}

/** Nothing of another's answer is kept (spec §1 step 3). */
async function askOnce(parts: Parts, wanted: Variant, context: Context): Promise<Served> {
  const own = ownerHere(parts, wanted, context);
  const copy = knowsHolder(parts, wanted) ? await askHolder(parts, context, wanted) : undefined;
  const answer = copy ?? (await askLevel(parts, context, { question: { wanted }, own }));
  if (answer.kind === "self") return answer.answer;
  const isOwner = answer.peer === otherOwner(parts, wanted.id);
  parts.hot.heard(answer.peer, answer.reply, isOwner);
  const { meta, via, standIn } = answer.reply;
  parts.local.remember(wanted.id, meta.facts, meta.sourceAt);
  const source = standIn === true ? "stand-in" : "peer";
  const outcome = { source, collapsed: false, stored: false, via } as const;
  // a small body has nearly always come with the head of its answer
  const whole = answer.reply.body.takeWhole?.();
  if (whole !== undefined) return { kind: "bytes", meta, outcome, bytes: whole };
  const body = peerBody(parts, context, answer);
  if (meta.bytes > LIMITS.collectBytesMax) return { kind: "stream", meta, outcome, body };
  const bytes = await spanOf(context.tracing, "body", () =>
    collectPeerBody(parts, context, { meta, body }),
  );
  if (bytes !== undefined) return { kind: "bytes", meta, outcome, bytes };
  // it answers, but people do not wait for a trickle
  parts.counters.add("peer_failover");
  return serveAsOwner(parts, wanted, { ...context, pastPeers: true });
}

/** What `auto` means to a client that accepts nothing better (spec §2). */
function baseFormat(facts: Facts): Format {
  if (facts.animated) return "gif";
  return facts.alpha ? "png" : "jpg";
}
