/** What a node does when it is asked as owner: disk, generation, the level below, the origin; never sideways. */

import { asFault, Fault } from "../base/fault.ts";
import { makeFlightGroup } from "../base/flight.ts";
import { LIMITS } from "../base/limits.ts";
import { type Facts, ORIG, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import { type Context, remainingMs, withinDeadline } from "./context.ts";
import type { Lead, Ticket } from "./flight-table.ts";
import type { Local } from "./local.ts";
import { originalOf, probeFacts } from "./original.ts";
import type { Parts } from "./parts.ts";
import { makeProducer } from "./produce.ts";
import type { Served } from "./served.ts";
import { openTail } from "./tail-body.ts";
import { askBelow } from "./upstream.ts";

/** Loads of one name that ended without an answer for us, before we say so. */
const ATTEMPTS_MAX = 3;

export interface Owner {
  /** The variant, by the first of spec §1 steps 2, 4, 5, 6 that can. Throws Faults. */
  serve(wanted: Variant, context: Context): Promise<Served>;
  /** What is known of the picture; asked of the level below, or looked up in the original, where needed. */
  facts(id: string, context: Context): Promise<Facts>;
}

/** Why a load is asked for, where it is not simply to be sent on. */
interface Purpose {
  /** Nothing but the whole file on disk will do. */
  readonly whole?: boolean;
  /** Bytes beyond which this asker has no use for it. */
  readonly bytesMax?: number;
}

export function makeOwner(parts: Parts, local: Local): Owner {
  const { cache, flights, negatives, counters, clock, ownership, self } = parts;
  const factFlights = makeFlightGroup<Facts>();
  const producer = makeProducer(parts, local, { residentOriginal });

  async function serve(wanted: Variant, context: Context): Promise<Served> {
    negatives.check(wanted.id);
    // the lowest level names what it keeps by the true size of the picture, so it has to know that first
    const isLowest = ownership.below(self.name, wanted.id).length === 0;
    const read = isLowest && wanted.size !== ORIG && (await learnFacts(wanted.id, context));
    const name = local.canonical(wanted);
    const meta = local.look(name);
    if (meta !== undefined) return resident(meta, { source: "hit", via: "" });
    negatives.check(keyOf(name));
    const served = await fly(name, context);
    if (!read || served.outcome.source !== "generated") return served;
    return { ...served, outcome: { ...served.outcome, source: "origin" } };
  }

  /** Whether the original had to be read from the origin for it. */
  async function learnFacts(id: string, context: Context): Promise<boolean> {
    if (local.facts(id) !== undefined) return false;
    const here = local.look(originalOf(id)) !== undefined;
    await facts(id, context);
    return !here;
  }

  /** Leads or joins the one load of this name on this node. */
  async function fly(name: Variant, context: Context, purpose: Purpose = {}): Promise<Served> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const entered = flights.enter(keyOf(name));
      if (entered.kind === "full") {
        throw new Fault("overloaded", "too many loads at once", { retryAfterMs: 1000 });
      }
      const alone = entered.kind === "lead" ? lead(name, context, entered.lead, purpose) : undefined;
      if (alone === undefined) counters.add("flight_joined");
      const ticket = entered.kind === "lead" ? entered.lead.ticket : entered.ticket;
      const collapsed = alone === undefined;
      const served = await fromTicket(ticket, context, { collapsed, ...purpose });
      if (served === "again") continue;
      if (served !== "solo") return served;
      const direct = await alone;
      if (direct instanceof Fault) throw direct;
      return direct ?? (await producer.direct(name, context));
    }
    throw new Fault("overloaded", "the load broke off again and again", { retryAfterMs: 1000 });
  }

  /** Runs the load beside its askers, and on after they have gone; what fails is told through the flight. */
  async function lead(
    name: Variant,
    context: Context,
    held: Lead,
    purpose: Purpose,
  ): Promise<Served | Fault | undefined> {
    try {
      return await producer.produce(name, context, held, purpose.bytesMax);
    } catch (error) {
      const fault = asFault(error);
      negatives.keep(fault.code === "not_found" ? name.id : keyOf(name), fault);
      if (fault.code === "internal") {
        parts.log.error("load failed", { relname: relnameOf(name), fault });
      }
      held.fail(fault);
      return undefined;
    }
  }

  async function fromTicket(
    ticket: Ticket,
    context: Context,
    asker: { readonly collapsed: boolean; readonly whole?: boolean },
  ): Promise<Served | "again" | "solo"> {
    const { collapsed, whole = false } = asker;
    for (;;) {
      const tick = ticket.tick();
      const view = ticket.look();
      if (view.kind === "failed") throw view.fault;
      if (view.kind === "lost") return "again";
      if (view.kind === "solo") return "solo";
      if (view.kind === "done") {
        return view.head.stored ? resident(view.head.meta, { ...view.head, collapsed }) : "again";
      }
      const streams = !whole && view.kind === "filling";
      if (streams && view.head.meta.bytes > LIMITS.collectBytesMax) {
        const body = openTail({ ticket, head: view.head, clock });
        const { source, via, meta } = view.head;
        const outcome = { source, via, collapsed, stored: true };
        if (body !== undefined) return { kind: "stream", meta, outcome, body };
      }
      remainingMs(context, clock);
      await ticket.changed(tick);
    }
  }

  /** The original on this disk, whole; undefined when there is no room for it. */
  async function residentOriginal(
    id: string,
    context: Context,
  ): Promise<{ meta: VariantMeta; fetched: boolean } | undefined> {
    const here = local.look(originalOf(id));
    const bytesMax = parts.topology.limits.imageSourceBytes;
    if (here !== undefined) return { meta: here, fetched: false };
    const served = await fly(originalOf(id), context, { whole: true, bytesMax });
    if (served.kind === "file") return { meta: served.meta, fetched: true };
    if (served.kind === "stream") served.body.cancel();
    return undefined;
  }

  function facts(id: string, context: Context): Promise<Facts> {
    const known = local.facts(id);
    if (known !== undefined) return Promise.resolve(known);
    const found = factFlights.run(id, () => findFacts(id, context));
    return withinDeadline(context, clock, found);
  }

  async function findFacts(id: string, context: Context): Promise<Facts> {
    negatives.check(id);
    negatives.check(factsKey(id));
    try {
      const reply = await askBelow(parts, context, { wanted: originalOf(id), facts: true });
      reply?.body.cancel();
      const found = reply?.meta.facts ?? (await lookAtOriginal(id, context));
      local.remember(id, found);
      return found;
    } catch (error) {
      const fault = asFault(error);
      negatives.keep(fault.code === "not_found" ? id : factsKey(id), fault);
      throw fault;
    }
  }

  async function lookAtOriginal(id: string, context: Context): Promise<Facts> {
    const original = await residentOriginal(id, context);
    if (original === undefined) return producer.factsWithoutRoom(id, context);
    const { relname } = original.meta;
    const found = await probeFacts(parts, context, cache.pathOf(relname));
    cache.learn(relname, found);
    return found;
  }

  function resident(
    meta: VariantMeta,
    how: { source: Served["outcome"]["source"]; via: string; collapsed?: boolean },
  ): Served {
    const { source, via, collapsed = false } = how;
    const outcome = { source, via, collapsed, stored: source !== "hit" };
    return { kind: "file", meta, outcome, path: cache.pathOf(meta.relname) };
  }

  return { serve, facts };
}

/** One load a name; an original is one thing whatever ext it was asked by. */
function keyOf(name: Variant): string {
  return name.size === ORIG ? `${name.id}/${ORIG}` : relnameOf(name);
}

function factsKey(id: string): string {
  return `${id}/facts`;
}
