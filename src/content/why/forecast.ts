/** What this thread would do with a request for a variant, and why: by what requests themselves go by, with none of it done. */

import { FAULTS } from "../../base/fault.ts";
import { ORIG, relnameOf, type Variant } from "../../base/variant.ts";
import { serverNamed } from "../../topology/topology.ts";
import { otherOwner, ownerForClient } from "../fetch-content.ts";
import { cheapest } from "../generate.ts";
import { keyOf } from "../load.ts";
import type { Parts } from "../parts.ts";
import { ranksHere } from "../peers.ts";
import { nextRanks, probed } from "../probe.ts";
import { candidatesFor, isLowest, levelsBelow } from "../upstream.ts";

/** The first is what happens; each of the others comes when those before it could not be reached, or had nothing. */
export interface Step {
  readonly does:
    | "refuse"
    | "hit"
    | "redirect"
    | "ask-copy"
    | "ask-peer"
    | "look-at-peers"
    | "generate"
    | "ask-below"
    | "pass-over"
    | "learn"
    | "origin";
  /** Who is asked. */
  readonly servers: readonly string[];
  /** For people. */
  readonly why: string;
}

export interface Forecast {
  /** The name the variant is kept under, as far as is known here. */
  readonly relname: string;
  readonly steps: readonly Step[];
}

/** Counts, heats, fetches and forgets nothing. */
export function forecast(parts: Parts, asked: Variant): Forecast {
  const wanted = parts.local.canonical(asked);
  const relname = relnameOf(wanted);
  if (parts.purged.blocked(wanted.id)) {
    const why = "451: the id is blocked; mir purge --unblock lifts that";
    return { relname, steps: [step("refuse", [], why)] };
  }
  const here = parts.local.peek(wanted);
  if (here !== undefined) {
    const owner = otherOwner(parts, wanted.id);
    const as = owner === undefined ? "its owner" : `a copy; ${owner} owns it`;
    const why = `hit: ${here.relname} is on this disk (${as})`;
    return { relname: here.relname, steps: [step("hit", [parts.self.name], why)] };
  }
  const owner = otherOwner(parts, wanted.id);
  const steps =
    owner === undefined
      ? asOwner(parts, wanted, `${parts.self.name} owns the id`)
      : fromLevel(parts, wanted, owner);
  return { relname, steps };
}

/** Spec §1 step 3. */
function fromLevel(parts: Parts, wanted: Variant, owner: string): readonly Step[] {
  const { health, hot, self } = parts;
  const { size, id } = wanted;
  const may = health.takes(owner, id);
  const elsewhere = may ? ownerForClient(parts, { size, redirected: false }, owner) : undefined;
  if (elsewhere !== undefined) {
    const { host, port } = elsewhere.target;
    return [step("redirect", [owner], `307 to ${host}:${port}, of ${owner}, which owns the id`)];
  }
  const steps: Step[] = [];
  const holders = hot.known.of(relnameOf(wanted));
  if (holders.length > 0) {
    const among = [owner, ...holders].filter((name) => name !== self.name);
    const why = "it is hot: the less loaded of its owner and those that have a copy";
    steps.push(step("ask-copy", among, why));
  }
  const { ranks, better } = ranksHere(parts, id);
  steps.push(...passedOver(parts, better, wanted));
  for (const { peer } of candidatesFor(parts, { wanted }, better)) {
    const rank = ranks.indexOf(peer) + 1;
    const role = rank === 1 ? "which owns the id" : `rank ${rank}, in place of ${owner}`;
    steps.push(
      step("ask-peer", [peer], `stream from ${peer}, ${role}${stateNote(parts, peer, id)}`),
    );
  }
  const at = ranks.indexOf(self.name);
  const place = at < 0 ? "none of its ranks can be asked" : `rank ${at + 1} is this node`;
  return [...steps, ...asOwner(parts, wanted, `${place}: ${self.name} goes on itself`)];
}

/** Ranks that no request goes to now. */
function passedOver(parts: Parts, ranks: readonly string[], wanted: Variant): readonly Step[] {
  const asked = new Set(candidatesFor(parts, { wanted }, ranks).map(({ peer }) => peer));
  return ranks
    .filter((peer) => !asked.has(peer))
    .map((peer) => {
      const why = `${peer} is ${parts.health.state(peer)}: it is passed over`;
      return step("pass-over", [peer], why);
    });
}

function stateNote({ health }: Parts, peer: string, id: string): string {
  if (health.state(peer) === "suspect") return "; it is suspect and has little time to answer";
  return health.takes(peer, id) ? "" : "; it has just come back, so others come before it";
}

/** Spec §1 steps 4 to 6: what `content/owner.ts` and `content/produce.ts` do. */
function asOwner(parts: Parts, wanted: Variant, because: string): readonly Step[] {
  const refusal = remembered(parts, wanted);
  const [first, ...others] = refusal === undefined ? ownSteps(parts, wanted) : [refusal];
  if (first === undefined) return [];
  return [{ ...first, why: `${because}; ${first.why}` }, ...others];
}

function ownSteps(parts: Parts, wanted: Variant): readonly Step[] {
  const { local, self } = parts;
  const facts = local.facts(wanted.id);
  const steps: Step[] = [];
  const moved = probed(parts, wanted.id);
  if (moved.length > 0) {
    const why = `it looks at ${moved.join(", ")}: after a change of topology it may still lie there`;
    steps.push(step("look-at-peers", moved, why));
  }
  const original = local.peek({ ...wanted, size: ORIG, ext: "bin" });
  const known = wanted.size === ORIG || facts !== undefined;
  if (isLowest(parts) && !known && original === undefined) {
    steps.push(step("learn", [], "the true size of the picture is looked up, as it is not known"));
  }
  const source = known ? sourceOf(parts, wanted) : original;
  if (source !== undefined) {
    const why = `made here from ${source.relname}, the cheapest that is sufficient on this disk`;
    return [...steps, step("generate", [self.name], why)];
  }
  steps.push(...below(parts, wanted));
  if (facts !== undefined && wanted.size !== ORIG && isLowest(parts)) {
    const near = nextRanks(parts, wanted.id);
    const why = `it looks at ${near.join(", ")}: what a peer has may cost less than the original`;
    if (near.length > 0) steps.push(step("look-at-peers", near, why));
  }
  return [...steps, fromOrigin(parts, wanted)];
}

function sourceOf(parts: Parts, wanted: Variant): { readonly relname: string } | undefined {
  const facts = parts.local.facts(wanted.id);
  return facts && cheapest(parts, { wanted, facts })?.meta;
}

/** A refusal that is not asked about again for now. */
function remembered(parts: Parts, wanted: Variant): Step | undefined {
  const { negatives, local } = parts;
  const absent = local.variants(wanted.id).length === 0 ? negatives.look(wanted.id) : undefined;
  const unknown = isLowest(parts) && wanted.size !== ORIG && local.facts(wanted.id) === undefined;
  const unreadable = unknown ? negatives.look(`${wanted.id}/facts`) : undefined;
  const found = absent ?? unreadable ?? negatives.look(keyOf(wanted));
  if (found === undefined) return undefined;
  const { status } = FAULTS[found.code];
  const seconds = Math.ceil(found.leftMs / 1000);
  return step("refuse", [], `${status} ${found.code}, remembered for ${seconds} s more`);
}

/** Spec §1 step 5. */
function below(parts: Parts, wanted: Variant): readonly Step[] {
  const levels = [...levelsBelow(parts, wanted.id)].filter((ranks) => ranks.length > 0);
  return levels.flatMap((ranks) => {
    const level = serverNamed(parts.topology, ranks[0] ?? "").level;
    const asked = candidatesFor(parts, { wanted }, ranks).map(({ peer }) => {
      const rank = ranks.indexOf(peer) + 1;
      const note = stateNote(parts, peer, wanted.id);
      const why = `it asks ${peer}, rank ${rank} of level ${level}${note}`;
      return step("ask-below", [peer], why);
    });
    if (asked.length > 0) return asked;
    return [step("pass-over", ranks, `level ${level} is down: it is passed over`)];
  });
}

/** Spec §1 step 6. */
function fromOrigin({ origin }: Parts, { size }: Variant): Step {
  if (origin === undefined) return step("refuse", [], "404: there is no origin here");
  const then = size === ORIG ? "" : ", then it is made from that";
  return step("origin", [], `GET of the original from ${origin.name}${then}`);
}

function step(does: Step["does"], servers: readonly string[], why: string): Step {
  return { does, servers, why };
}
