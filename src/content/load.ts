/** Leads or joins the one load of a name on this node. */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { ORIG, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import { spanOf, traceFields } from "../observe/trace.ts";
import { type Context, failoverContext, remainingMs } from "./context.ts";
import type { Lead, Ticket } from "./flight.ts";
import type { Parts, Task } from "./parts.ts";
import { pastDisk } from "./past-disk.ts";
import type { Served, Source } from "./served.ts";
import { standInFor } from "./stand-in.ts";
import { openTail } from "./tail-body.ts";
import { leaveAtEnd } from "./waiters.ts";
import { watchAskers } from "./watch-askers.ts";

/** Loads of one name that ended without an answer for us, before we say so. */
const ATTEMPTS_MAX = 3;

export interface LoadTask extends Task {
  /** Nothing but the whole file on disk will do. */
  readonly whole?: boolean;
}

/** The variant from disk, or as it arrives. Throws what the load failed with, or `overloaded`. */
export async function loadVariant(parts: Parts, task: LoadTask): Promise<Served> {
  const leave = parts.waiters.enter(keyOf(task.name));
  try {
    const served = await loadOrJoin(parts, task);
    if (served.kind === "stream") return { ...served, body: leaveAtEnd(served.body, leave) };
    leave();
    return served;
  } catch (error) {
    leave();
    throw error;
  }
}

async function loadOrJoin(parts: Parts, task: LoadTask): Promise<Served> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const entered = parts.flights.enter(flightOf(parts, task.name));
    if (entered.kind === "full") {
      throw new Fault("overloaded", "too many loads at once", { retryAfterMs: 1000 });
    }
    const leads = entered.kind === "lead";
    const alone = leads ? leadLoad(parts, task, entered.lead) : undefined;
    if (!leads) parts.counters.add("flight_joined");
    const ticket = leads ? entered.lead.ticket : entered.ticket;
    const trace = leads ? undefined : task.context.tracing;
    const asker = { ticket, collapsed: !leads };
    const arrival = spanOf(trace, "joined", () => fromTicket(parts, task, asker));
    const served = await arrival.catch((error) => {
      // what the load may still bring for us alone has nobody to read it any more
      void alone?.then(discard);
      throw error;
    });
    if (served === "again") continue;
    if (served !== "solo") return served;
    const direct = await alone;
    if (direct instanceof Fault) throw direct;
    return direct ?? (await parts.producer.direct(parts, task));
  }
  throw new Fault("overloaded", "the load broke off again and again", { retryAfterMs: 1000 });
}

function discard(served: Served | Fault | undefined): void {
  if (served !== undefined && "kind" in served && served.kind === "stream") served.body.cancel();
}

/** One load a name; an original is one thing whatever ext it was asked by. */
export function keyOf(name: Variant): string {
  return name.size === ORIG ? `${name.id}/${ORIG}` : relnameOf(name);
}

/** Who asks after a purge does not join a load from before it. */
export function flightOf({ purged }: Pick<Parts, "purged">, name: Variant): string {
  const stamp = purged.stamp(name.id);
  return stamp === 0 ? keyOf(name) : `${keyOf(name)} ${stamp}`;
}

/** An answer from a file of the cache. */
export function resident(
  parts: Parts,
  meta: VariantMeta,
  how: { readonly source: Source; readonly via: string; readonly collapsed?: boolean },
): Served {
  const { source, via, collapsed = false } = how;
  const outcome = { source, via, collapsed, stored: source !== "hit" };
  return { kind: "file", meta, outcome, path: parts.cache.pathOf(meta.relname) };
}

/** Runs the load beside its askers, and on after they have gone; what fails is told through the flight. */
async function leadLoad(
  parts: Parts,
  { context, ...asked }: Task,
  lead: Lead,
): Promise<Served | Fault | undefined> {
  const { name } = asked;
  const stamp = parts.purged.stamp(name.id);
  // it is the load of all who ask: that the first of them goes is nothing to the others
  const story = parts.fills.begin();
  const own = { ...context, signal: undefined, askers: () => watchAskers(lead, context), story };
  try {
    return await parts.producer.produce(parts, { ...asked, context: own }, story.watch(lead));
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === "abandoned") {
      lead.abandon();
      return undefined;
    }
    if (parts.purged.stamp(name.id) === stamp) {
      parts.negatives.keep(fault.code === "not_found" ? name.id : keyOf(name), fault);
    }
    if (fault.code === "internal") {
      const trace = traceFields(context.tracing);
      parts.log.error("load failed", { relname: relnameOf(name), fault, ...trace });
    }
    lead.fail(fault);
    return undefined;
  }
}

async function fromTicket(
  parts: Parts,
  task: LoadTask,
  asker: { readonly ticket: Ticket; readonly collapsed: boolean },
): Promise<Served | "again" | "solo"> {
  const { ticket, collapsed } = asker;
  const { clock } = parts;
  const { later, signal } = task.context;
  using _ = later === true ? undefined : ticket.wait();
  const gone = signal?.();
  const outOfPatience = patienceOf(parts, task);
  for (;;) {
    const tick = ticket.tick();
    const view = ticket.look();
    if (gone?.aborted === true) throw new Fault("abandoned", "whoever asked has gone");
    if (view.kind === "failed") {
      // its holder had less time than there is left here
      if (collapsed && view.fault.code === "too_slow" && hasTime(parts, task)) return "again";
      throw view.fault;
    }
    if (view.kind === "lost") return "again";
    if (view.kind === "solo") return "solo";
    if (view.kind === "done") {
      return view.head.stored
        ? resident(parts, view.head.meta, { ...view.head, collapsed })
        : "again";
    }
    const streams = task.whole !== true && view.kind === "filling";
    if (streams && view.head.meta.bytes > LIMITS.collectBytesMax) {
      const body = openTail({ ticket, head: view.head, clock });
      const { source, via, meta } = view.head;
      const outcome = { source, via, collapsed, stored: true };
      if (body !== undefined) {
        const direct = (): Promise<Served> => goOnDirect(parts, task);
        return { kind: "stream", meta, outcome, body: pastDisk({ meta, body }, direct) };
      }
    }
    if (outOfPatience()) throw new Fault("too_slow", "the picture is not made in time");
    await waitForChange(task.context, parts, { ticket, tick });
  }
}

/** Whether who asks has waited as long as anybody does who can be sent another variant (spec §6). */
function patienceOf(parts: Parts, { name, context }: LoadTask): () => boolean {
  const { clock, topology } = parts;
  if (context.standIns !== true) return () => false;
  let until = clock.monotonicMs() + topology.limits.standInMs;
  return () => {
    if (clock.monotonicMs() < until) return false;
    if (standInFor(parts, name) !== undefined) return true;
    // looked at once: there is nothing to send
    until = Number.POSITIVE_INFINITY;
    return false;
  };
}

function hasTime({ clock }: Parts, { context }: Task): boolean {
  return context.deadlineAt - clock.monotonicMs() > DEADLINES.hopMarginMs;
}

/** With time of its own: the answer itself began in time. */
function goOnDirect(parts: Parts, task: Task): Promise<Served> {
  const context = failoverContext(parts.clock, task.context);
  return parts.producer.direct(parts, { ...task, context });
}

async function waitForChange(
  context: Context,
  parts: Parts,
  seen: { readonly ticket: Ticket; readonly tick: number },
): Promise<void> {
  remainingMs(context, parts.clock);
  await seen.ticket.changed(seen.tick);
}
