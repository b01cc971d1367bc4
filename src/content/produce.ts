/** Fetches or makes one variant for its flight: into the cache, or past it when there is no room. */

import { readFileSync } from "node:fs";
import { Fault, unreachable } from "../base/fault.ts";
import { type Facts, ORIG, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import type { Reservation } from "../cache/cache.ts";
import { outputBytesEstimate } from "../image/fit.ts";
import type { Context } from "./context.ts";
import { fill, type Incoming, unlinkQuietly } from "./fill.ts";
import type { Lead } from "./flight-table.ts";
import { generate, type LocalSource, localSource, type Made } from "./generate.ts";
import type { Local } from "./local.ts";
import { openAtOrigin, probeFacts, spool } from "./original.ts";
import type { Parts } from "./parts.ts";
import type { Served, Source } from "./served.ts";
import { askBelow } from "./upstream.ts";

/** How a variant that is not here can be had, once somebody has answered. */
type Opened =
  | { readonly kind: "resident"; readonly meta: VariantMeta; readonly source: Source; readonly via: string }
  | { readonly kind: "incoming"; readonly incoming: Incoming }
  | {
      readonly kind: "source";
      readonly from: LocalSource;
      readonly facts: Facts;
      readonly source: Source;
      /** The name it will be kept under: the wanted one, or the class that holds the picture whole. */
      readonly wanted: Variant;
    }
  /** The original, for which there is no room here. */
  | { readonly kind: "past-cache" };

export interface Producer {
  /**
   * Ends the flight, or throws. Answers by itself only when nothing could be kept: with what the
   * asker gets, or with the Fault that is its alone (its purpose has a limit that others have not).
   */
  produce(name: Variant, context: Context, lead: Lead, bytesMax?: number): Promise<Served | Fault | undefined>;
  /** The same for one asker, keeping nothing. */
  direct(name: Variant, context: Context): Promise<Served>;
  factsWithoutRoom(id: string, context: Context): Promise<Facts>;
}

type ResidentOriginal = (
  id: string,
  context: Context,
) => Promise<{ meta: VariantMeta; fetched: boolean } | undefined>;

export function makeProducer(
  parts: Parts,
  local: Local,
  hooks: { readonly residentOriginal: ResidentOriginal },
): Producer {
  const { cache, counters } = parts;

  async function produce(
    name: Variant,
    context: Context,
    lead: Lead,
    bytesMax?: number,
  ): Promise<Served | Fault | undefined> {
    const opened = await open(name, context);
    switch (opened.kind) {
      case "resident": {
        const { meta, source, via } = opened;
        lead.done({ meta, source, via, temp: "", stored: true });
        return undefined;
      }
      case "incoming":
        return keep(opened.incoming, lead, bytesMax);
      case "source":
        return make(context, { ...opened, lead });
      case "past-cache": {
        lead.solo();
        return makePastCache(name, context);
      }
      default:
        return unreachable(opened);
    }
  }

  async function direct(name: Variant, context: Context): Promise<Served> {
    const opened = await open(name, context);
    switch (opened.kind) {
      case "resident": {
        const { meta, source, via } = opened;
        const outcome = { source, via, collapsed: false, stored: true };
        return { kind: "file", meta, outcome, path: cache.pathOf(meta.relname) };
      }
      case "incoming":
        return passOn(opened.incoming);
      case "source": {
        const { from, facts, source, wanted } = opened;
        return intoMemory(await generate(parts, context, { wanted, facts, source: from }), source);
      }
      case "past-cache":
        return makePastCache(name, context);
      default:
        return unreachable(opened);
    }
  }

  /** Spec §1 steps 4 to 6, in order. */
  async function open(name: Variant, context: Context): Promise<Opened> {
    const facts = name.size === ORIG ? undefined : local.facts(name.id);
    // 4. generation, from a sufficient variant on this disk
    const from = facts && localSource(parts, local, { wanted: name, facts });
    if (from !== undefined && facts !== undefined) {
      return { kind: "source", from, facts, source: "generated", wanted: name };
    }
    // 5. upstream, for the wanted variant
    const reply = await askBelow(parts, context, { wanted: name });
    if (reply !== undefined) {
      local.remember(name.id, reply.meta.facts);
      const { meta, via, body } = reply;
      const here = cache.peek(meta.relname);
      if (here === undefined) {
        return { kind: "incoming", incoming: { meta, body, via, source: "upstream" } };
      }
      // the wanted class is another one's picture, and that is already here
      body.cancel();
      return { kind: "resident", meta: here, source: "upstream", via };
    }
    // 6. origin
    if (name.size === ORIG) {
      return { kind: "incoming", incoming: await openAtOrigin(parts, context, name.id) };
    }
    return fromOriginal(name, context, facts);
  }

  async function fromOriginal(name: Variant, context: Context, known?: Facts): Promise<Opened> {
    const original = await hooks.residentOriginal(name.id, context);
    if (original === undefined) return { kind: "past-cache" };
    const path = cache.pathOf(original.meta.relname);
    const facts = known ?? (await probeFacts(parts, context, path));
    local.remember(name.id, facts);
    const source = original.fetched ? "origin" : "generated";
    const wanted = local.canonical(name);
    const here = cache.peek(relnameOf(wanted));
    if (here !== undefined) return { kind: "resident", meta: here, source, via: "" };
    const from = localSource(parts, local, { wanted, facts });
    if (from === undefined) {
      throw new Fault("overloaded", "the original was evicted at once", { retryAfterMs: 500 });
    }
    return { kind: "source", from, facts, source, wanted };
  }

  async function keep(
    incoming: Incoming,
    lead: Lead,
    bytesMax = Number.POSITIVE_INFINITY,
  ): Promise<Served | Fault | undefined> {
    if (incoming.meta.bytes > bytesMax) {
      incoming.body.cancel();
      lead.solo();
      return new Fault("image_too_large", "the original is too large to be resized");
    }
    const reservation = cache.reserve(incoming.meta.bytes);
    if (reservation === undefined) {
      counters.add("uncached");
      lead.solo();
      return passOn(incoming);
    }
    const fault = await fill({ cache, lead, incoming, reservation });
    if (fault !== undefined) {
      counters.add("body_cut");
      parts.log.warn("a load broke off", { relname: incoming.meta.relname, fault });
    }
    return undefined;
  }

  async function make(
    context: Context,
    options: { wanted: Variant; from: LocalSource; facts: Facts; source: Source; lead: Lead },
  ): Promise<Served | undefined> {
    const { wanted, from, facts, source, lead } = options;
    // bytes are reserved before they are written, though the length is only known afterwards
    using reservation = cache.reserve(outputBytesEstimate(parts.topology, wanted, facts));
    const made = await generate(parts, context, { wanted, facts, source: from });
    if (reservation !== undefined && settle(reservation, made)) {
      const kept = cache.publish(reservation, made.temp, made.meta);
      if (kept === "refused") throw new Fault("internal", "the variant could not be kept");
      lead.done({ meta: made.meta, source, via: "", temp: "", stored: true });
      return undefined;
    }
    counters.add("uncached");
    lead.solo();
    return intoMemory(made, source);
  }

  async function makePastCache(name: Variant, context: Context): Promise<Served> {
    const incoming = await openAtOrigin(parts, context, name.id);
    guardSource(incoming);
    const spooled = await spool(parts, incoming);
    try {
      const facts = await probeFacts(parts, context, spooled.path);
      const variant = { id: name.id, size: ORIG, ext: "bin" };
      const source = { variant, meta: incoming.meta };
      const made = await generate(parts, context, { wanted: name, facts, source, path: spooled.path });
      return intoMemory(made, "origin");
    } finally {
      spooled.release();
    }
  }

  async function factsWithoutRoom(id: string, context: Context): Promise<Facts> {
    const incoming = await openAtOrigin(parts, context, id);
    guardSource(incoming);
    const spooled = await spool(parts, incoming);
    try {
      return await probeFacts(parts, context, spooled.path);
    } finally {
      spooled.release();
    }
  }

  function guardSource(incoming: Incoming): void {
    if (incoming.meta.bytes <= parts.topology.limits.imageSourceBytes) return;
    incoming.body.cancel();
    throw new Fault("image_too_large", "the original is too large to be resized");
  }

  return { produce, direct, factsWithoutRoom };
}

/** Whether the reservation covers what was made. */
function settle(reservation: Reservation, made: Made): boolean {
  const missing = made.meta.bytes - reservation.bytes;
  return missing <= 0 || reservation.grow(missing);
}

/** Straight to the one asker. */
function passOn(incoming: Incoming): Served {
  const { meta, body, source, via } = incoming;
  const outcome = { source, via, collapsed: false, stored: false };
  return { kind: "stream", meta, outcome, body };
}

function intoMemory(made: Made, source: Source): Served {
  try {
    const bytes = readFileSync(made.temp);
    const outcome = { source, via: "", collapsed: false, stored: false };
    return { kind: "bytes", meta: made.meta, outcome, bytes };
  } finally {
    unlinkQuietly(made.temp);
  }
}
