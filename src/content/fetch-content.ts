/** The life of a request: the numbered list of spec §1, in order. */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { type Facts, type Format, ORIG, type Variant } from "../base/variant.ts";
import { canAnimate } from "../image/fit.ts";
import { serverNamed } from "../topology/topology.ts";
import { collectPeerBody } from "./collect.ts";
import { type Context, startContext } from "./context.ts";
import { originalOf } from "./original.ts";
import { factsAsOwner, serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import { askLevel, ownerHere, peerBody } from "./peers.ts";
import type { ContentRequest, Elsewhere, FetchContent, Served } from "./served.ts";

export function makeFetchContent(parts: Parts): FetchContent {
  const { cache, counters, ownership, self, clock, local } = parts;
  return async (request) => {
    // 1. path resolution: web id → content id
    const { id, originalExt } = await resolve(parts, request.webId);
    parts.purged.refuseBlocked(id);
    const context = startContext(clock, { originalExt });
    const ext = await concreteFormat(parts, request, { id, context });
    const wanted = local.canonical({ id, size: request.size, ext });

    // 2. local: this server has the variant, as owner or replica
    const meta = local.look(wanted);
    if (meta !== undefined) {
      counters.add("lru_hit");
      const [owner] = ownership.topRanks(self.level, self.region, id);
      // a replica's hits keep the owner's copy from looking unused
      if (owner !== undefined && owner !== self.name) parts.recorder.hit(owner, meta.relname);
      const outcome = { source: "hit", collapsed: false, stored: false, via: "" } as const;
      return { kind: "file", meta, outcome, path: cache.pathOf(meta.relname) };
    }
    counters.add("lru_miss");

    // 3. peer streaming: another server of this level owns it
    const [rank1] = ownership.topRanks(self.level, self.region, id);
    if (rank1 !== undefined && rank1 !== self.name) {
      // nobody is sent to an owner that cannot answer
      const may = parts.health.takes(rank1, id);
      const elsewhere = may ? ownerForClient(parts, request, rank1) : undefined;
      return elsewhere ?? fromLevel(parts, wanted, context);
    }

    // 4. generation, 5. upstream, 6. origin
    return serveAsOwner(parts, wanted, context);
  };
}

/** Where `peer_mode` sends the client instead of passing on what the owner has; undefined: nowhere. */
function ownerForClient(
  { topology, counters }: Parts,
  request: ContentRequest,
  owner: string,
): Elsewhere | undefined {
  const { peerMode } = topology.routing;
  if (peerMode === "stream" || request.redirected) return undefined;
  if (peerMode === "redirect-originals" && request.size !== ORIG) return undefined;
  const target = serverNamed(topology, owner).redirectTarget;
  if (target === undefined) return undefined;
  counters.add("redirected");
  return { kind: "elsewhere", target };
}

async function resolve(
  parts: Parts,
  webId: string,
): Promise<{ readonly id: string; readonly originalExt: string | undefined }> {
  const { paths, counters } = parts;
  let resolution = paths.look(webId);
  counters.add(resolution === undefined ? "path_cache_miss" : "path_cache_hit");
  if (resolution === undefined) {
    resolution = await parts.resolve(webId);
    paths.keep(webId, resolution);
  }
  if (resolution.kind === "unknown") throw new Fault("not_found", "no such picture");
  return { id: resolution.id, originalExt: resolution.ext };
}

/** `auto` becomes a format before any key is formed (spec §2); an original keeps its own. */
async function concreteFormat(
  parts: Parts,
  request: ContentRequest,
  what: { readonly id: string; readonly context: Context },
): Promise<string> {
  const { id, context } = what;
  if (request.size === ORIG) return context.originalExt ?? "bin";
  if (request.format !== "auto") return request.format;
  const [best] = request.accepted;
  // no still is better than a picture that moves (spec §6)
  if (best !== undefined && request.accepted.every(canAnimate)) return best;
  const facts = parts.local.facts(id) ?? (await factsOf(parts, id, context));
  const fitting = facts.animated ? request.accepted.find(canAnimate) : best;
  return fitting ?? baseFormat(facts);
}

async function factsOf(parts: Parts, id: string, context: Context): Promise<Facts> {
  const { ownership, self, local } = parts;
  const [rank1] = ownership.topRanks(self.level, self.region, id);
  if (rank1 === undefined || rank1 === self.name) return factsAsOwner(parts, id, context);
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

/** From the owner or who stands in for it; nothing of another's answer is kept (spec §1 step 3). */
async function fromLevel(parts: Parts, wanted: Variant, context: Context): Promise<Served> {
  const own = ownerHere(parts, wanted, context);
  const answer = await askLevel(parts, context, { question: { wanted }, own });
  if (answer.kind === "self") return answer.answer;
  const { meta, via } = answer.reply;
  const body = peerBody(parts, context, answer);
  parts.counters.add("cross_peer_stream");
  parts.local.remember(wanted.id, meta.facts, meta.sourceAt);
  const outcome = { source: "peer", collapsed: false, stored: false, via } as const;
  if (meta.bytes > LIMITS.collectBytesMax) return { kind: "stream", meta, outcome, body };
  const bytes = await collectPeerBody(parts, context, { meta, body });
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
