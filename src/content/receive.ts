/** A variant that a peer tells this node to keep at this level: moved here because this node owns it now (spec §3 `&`). */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import {
  ORIG,
  parseRelname,
  UNKNOWN_FACTS,
  type Variant,
  type VariantMeta,
} from "../base/variant.ts";
import { sniff } from "../image/sniff.ts";
import type { SaveMessage, ToldAnswer, ToldMeta } from "../mesh/tell.ts";
import { fill } from "./fill.ts";
import type { Lead, Ticket } from "./flight.ts";
import { flightOf } from "./load.ts";
import type { Parts } from "./parts.ts";
import { publishFresh } from "./publish-fresh.ts";
import { openSpool } from "./spool.ts";
import { noRoom, unwritable } from "./write-fault.ts";

/** Loads of the same name that ended with nothing kept, before the peer is sent away. */
const ATTEMPTS_MAX = 3;

/**
 * "stored", "already" when it is here, or "purged" when it is from before a purge: the peer may drop its copy then. A
 * load of the name that is under way is waited for. Throws a Fault when it could not be kept: `disk_full`,
 * `unwritable`, and whatever its body broke off with.
 */
export async function receiveVariant(
  parts: Parts,
  message: SaveMessage,
  name: Variant,
): Promise<ToldAnswer> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    // an id stands for the same picture for ever, so another validator is only another encoding of it
    if (parts.cache.peek(message.meta.relname) !== undefined) return { note: "already" };
    const entered = parts.flights.enter(flightOf(parts, name));
    if (entered.kind === "full") break;
    if (entered.kind === "lead") {
      const story = parts.fills.begin();
      story.from(message.peer);
      return keepHere(parts, message, { name, lead: story.watch(entered.lead) });
    }
    await ended(entered.ticket, message.signal);
  }
  throw new Fault("overloaded", "too many loads at once", { retryAfterMs: 1000 });
}

interface Arrival {
  readonly name: Variant;
  readonly lead: Lead;
}

async function keepHere(
  parts: Parts,
  message: SaveMessage,
  { name, lead }: Arrival,
): Promise<ToldAnswer> {
  const meta = wholeMeta(message.meta, message.bytes);
  if (!parts.purged.accepts(name.id, meta?.sourceAt)) {
    lead.solo();
    return { note: "purged" };
  }
  try {
    if (meta === undefined) await keepUnsaid(parts, message, { name, lead });
    else await keepSaid(parts, message, { meta, lead });
  } catch (error) {
    // those who wait for it fetch it themselves; harmless when the flight has ended
    if (lead.ticket.look().kind === "opening") lead.solo();
    throw error;
  }
  if (meta !== undefined) parts.local.remember(name.id, meta.facts, meta.sourceAt);
  // a Rebalance clears no refusals: it moves what this level has anyway, thousands at a time
  if (message.kind === "save") await parts.announce({ ids: [name.id], webIds: [] });
  else parts.counters.add("rebalance_kept");
  return { note: "stored" };
}

/** What an extended peer says of it; undefined from a legacy one, which says only the relname. */
function wholeMeta(told: ToldMeta, bytes: number): VariantMeta | undefined {
  const { relname, validator, modified = 0, facts = UNKNOWN_FACTS, lossySteps = 0 } = told;
  const { sourceAt } = told;
  return validator === undefined
    ? undefined
    : { relname, bytes, validator, modified, facts, lossySteps, sourceAt };
}

/** Others read it as it comes. */
async function keepSaid(
  { cache, purged }: Parts,
  { body, bytes }: SaveMessage,
  options: { readonly meta: VariantMeta; readonly lead: Lead },
): Promise<void> {
  const { meta, lead } = options;
  const reservation = cache.reserve(bytes, parseRelname(meta.relname)?.id);
  if (reservation === undefined) throw cache.usage().unwritable ? unwritable() : noRoom();
  const incoming = { meta, body, source: "peer", via: "" } as const;
  const quiet: Lead = { ...lead, fail: () => lead.solo() };
  const filled = await fill({ cache, purged, lead: quiet, reservation, incoming });
  if (filled.kind === "failed") throw filled.fault;
  if (filled.kind !== "kept") throw unwritable();
}

/** Its validator is minted here, so nobody can read it before it is whole. */
async function keepUnsaid(
  parts: Parts,
  { meta: told, body, bytes }: SaveMessage,
  { name, lead }: Arrival,
): Promise<void> {
  using spool = openSpool(parts.cache, {
    bytes,
    bytesMax: LIMITS.originalBytesMax,
    id: name.id,
  });
  for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
    spool.write(chunk);
  }
  const file = spool.finish();
  if (file.bytes !== bytes) throw new Fault("bad_digest", "the content was cut short");
  const found = sniff(file.head);
  if (name.size === ORIG && found !== name.ext) {
    throw new Fault("wrong_ext", `the relname says ${name.ext}, the bytes are ${found}`);
  }
  const meta: VariantMeta = {
    relname: told.relname,
    bytes,
    validator: file.xxh64,
    modified: told.modified ?? parts.clock.wallSeconds(),
    facts: told.facts ?? UNKNOWN_FACTS,
    lossySteps: told.lossySteps ?? (name.size === ORIG ? 0 : 1),
  };
  const { reservation: room, path: temp } = file;
  const kept = publishFresh(parts, { room, temp, meta, digest: file.xxh64 });
  if (kept === "refused") {
    throw new Fault("overloaded", "the variant could not be kept", { retryAfterMs: 1000 });
  }
  lead.done({ meta, source: "peer", via: "", temp: "", stored: kept !== "purged" });
}

/** Resolves when the flight has ended, well or not. */
async function ended(ticket: Ticket, signal: AbortSignal): Promise<void> {
  for (;;) {
    const tick = ticket.tick();
    const { kind } = ticket.look();
    if (kind !== "opening" && kind !== "filling") return;
    if (signal.aborted) throw new Fault("peer_failed", "the peer has gone");
    await ticket.changed(tick);
  }
}
