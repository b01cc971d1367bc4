/** Asks the servers of this level that own an id, or stand in for its owner; this one when it is its turn. */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";
import { parseRelname, type Variant, type VariantMeta } from "../base/variant.ts";
import { bodyFrom, sendOf } from "./body-from.ts";
import { type Context, failoverContext } from "./context.ts";
import { type BodySource, failoverBody } from "./failover-body.ts";
import { type Attempt, firstOf } from "./first-of.ts";
import { serveAsOwner } from "./owner.ts";
import type { Parts } from "./parts.ts";
import type { Served } from "./served.ts";
import { type Answered, attemptOf, candidatesFor, mayHedge, type Question } from "./upstream.ts";

/** What this node does when nobody of a better rank can be asked. */
export interface Own<T> {
  run(): Promise<T>;
  discard(answer: T): void;
}

export type LevelAnswer<T> = Answered | { readonly kind: "self"; readonly answer: T };

/** The first of the ranks that can answer as owner. Throws Faults. */
export async function askLevel<T>(
  parts: Parts,
  context: Context,
  options: { readonly question: Question; readonly own: Own<T> },
): Promise<LevelAnswer<T>> {
  const { question, own } = options;
  const { self, counters } = parts;
  const { ranks, better } = ranksHere(parts, question.wanted.id);
  const attempts: Attempt<LevelAnswer<T>>[] = [
    ...candidatesFor(parts, question, better).map((candidate) =>
      attemptOf(parts, context, { candidate, question }),
    ),
    ...(question.failed?.has(self.name) === true ? [] : [asOwn(self.name, own)]),
  ];
  const first = await firstOf(attempts, () => mayHedge(parts));
  if (first.kind === "nobody") throw first.last ?? new Fault("no_origin", "nobody is left to ask");
  if (first.by !== ranks[0] && question.offset === undefined && question.facts !== true) {
    counters.add("peer_failover");
  }
  return first.answer;
}

/** The ranks of this level that may be asked for an id, and those of them that come before this node. */
export function ranksHere(
  { self, ownership }: Pick<Parts, "self" | "ownership">,
  id: string,
): { readonly ranks: readonly string[]; readonly better: readonly string[] } {
  const ranks = ownership.topRanks(self.level, self.region, id);
  const at = ranks.indexOf(self.name);
  // those behind this node never come before it
  return { ranks, better: at < 0 ? ranks : ranks.slice(0, at) };
}

/** The body of a peer's reply; when it breaks off, others of the level go on with it, this node at last. */
export function peerBody(parts: Parts, context: Context, { peer, reply }: Answered): Body {
  const { meta, body } = reply;
  const wanted = parseRelname(meta.relname);
  if (wanted === undefined) return body;
  return failoverBody(parts, { peer, meta, body }, restAt(parts, context, wanted));
}

/** The bytes of a variant from `offset` on, asked for anew. Rejects with a Fault when it is another one now. */
export async function restOf(
  parts: Parts,
  context: Context,
  { meta, offset }: { readonly meta: VariantMeta; readonly offset: number },
): Promise<Body> {
  const wanted = parseRelname(meta.relname);
  const rest = wanted && restAt(parts, context, wanted);
  const source = await rest?.(offset, new Set());
  if (rest === undefined || source === undefined) throw changed();
  if (source.meta.validator !== meta.validator || source.meta.bytes !== meta.bytes) {
    source.body.cancel();
    throw changed();
  }
  return failoverBody(parts, source, (further, failed) => rest(offset + further, failed));
}

function changed(): Fault {
  return new Fault("peer_failed", "the rest of the body is not there any more");
}

function restAt(parts: Parts, context: Context, wanted: Variant) {
  return async (offset: number, failed: ReadonlySet<string>): Promise<BodySource> => {
    const again = failoverContext(parts.clock, context);
    const question = { wanted, offset, failed };
    const answer = await askLevel(parts, again, { question, own: ownerHere(parts, wanted, again) });
    if (answer.kind === "peer") return { peer: answer.peer, ...answer.reply };
    const served = answer.answer;
    return {
      peer: parts.self.name,
      meta: served.meta,
      body: bodyFrom(served.meta, sendOf(served), offset),
    };
  };
}

/** This node in the owner's place: it goes upstream itself, and keeps what comes (spec §1 step 3). */
export function ownerHere(parts: Parts, wanted: Variant, context: Context): Own<Served> {
  return {
    run: () => serveAsOwner(parts, wanted, context),
    discard(served) {
      if (served.kind === "stream") served.body.cancel();
    },
  };
}

function asOwn<T>(name: string, own: Own<T>): Attempt<LevelAnswer<T>> {
  return {
    name,
    patience: undefined,
    run: async () => ({ kind: "self", answer: await own.run() }),
    discard(answer) {
      if (answer.kind === "self") own.discard(answer.answer);
    },
  };
}
