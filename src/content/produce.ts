/** Fetches or makes one variant for its flight: into the cache, or past it when there is no room. */

import { closeSync, openSync, readFileSync } from "node:fs";
import { type Fault, unreachable } from "../base/fault.ts";
import { nextTurn } from "../base/next-turn.ts";
import { type Facts, ORIG, relnameOf, type Variant, type VariantMeta } from "../base/variant.ts";
import type { Reservation } from "../cache/reservation.ts";
import { outputBytesEstimate } from "../image/fit.ts";
import { belowBody } from "./below-body.ts";
import type { Incoming } from "./fill.ts";
import type { Lead } from "./flight.ts";
import { generate, type LocalSource, localSource, type Made } from "./generate.ts";
import { keepIncoming, passOn } from "./keep.ts";
import { mended } from "./mend.ts";
import { findNearby } from "./nearby.ts";
import {
  openAtOrigin,
  originalOf,
  probeFacts,
  residentOriginal,
  tooLarge,
  withSpooled,
} from "./original.ts";
import type { Parts, Producer, Task } from "./parts.ts";
import { findAtPeers } from "./probe.ts";
import { publishFresh } from "./publish-fresh.ts";
import type { Served, Source } from "./served.ts";
import { askBelow } from "./upstream.ts";

/** What a variant is made from on this disk. */
interface Recipe {
  readonly kind: "recipe";
  readonly from: LocalSource;
  readonly facts: Facts;
  readonly source: Source;
  /** The name it is kept under: the wanted one, or the class that holds the picture whole. */
  readonly wanted: Variant;
}

/** How a variant that is not here can be had, once somebody has answered. */
type Opened =
  | { kind: "resident"; meta: VariantMeta; source: Source; via: string }
  | { kind: "incoming"; incoming: Incoming }
  | Recipe
  /** It is made from the original, for which there is no room here. */
  | { kind: "past-cache" };

export const producer: Producer = {
  produce: (parts, task, lead) => mended(parts, workOf(task), () => produce(parts, task, lead)),
  direct: (parts, task) => mended(parts, workOf(task), () => direct(parts, task)),
};

function workOf({ name, context }: Task) {
  return { id: name.id, context };
}

async function produce(parts: Parts, task: Task, lead: Lead): Promise<Served | Fault | undefined> {
  const opened = await open(parts, task);
  switch (opened.kind) {
    case "resident": {
      const { meta, source, via } = opened;
      lead.done({ meta, source, via, temp: "", stored: true });
      return undefined;
    }
    case "incoming":
      return keepIncoming(parts, { incoming: opened.incoming, lead, bytesMax: task.bytesMax });
    case "recipe":
      return make(parts, task, { recipe: opened, lead });
    case "past-cache":
      lead.solo();
      return makePastCache(parts, task);
    default:
      return unreachable(opened);
  }
}

async function direct(parts: Parts, task: Task): Promise<Served> {
  const opened = await open(parts, task);
  switch (opened.kind) {
    case "resident": {
      const { meta, source, via } = opened;
      const outcome = { source, via, collapsed: false, stored: true };
      return { kind: "file", meta, outcome, path: parts.cache.pathOf(meta.relname) };
    }
    case "incoming":
      if (opened.incoming.meta.bytes <= (task.bytesMax ?? Number.POSITIVE_INFINITY)) {
        return passOn(opened.incoming);
      }
      opened.incoming.body.cancel();
      throw tooLarge();
    case "recipe": {
      const { from, facts, wanted, source } = opened;
      using _ = from.held;
      const made = await generate(parts, task.context, { wanted, facts, source: from });
      return intoMemory(made, source);
    }
    case "past-cache":
      return makePastCache(parts, task);
    default:
      return unreachable(opened);
  }
}

/** Spec §1 steps 4 to 6, in order. */
async function open(parts: Parts, task: Task): Promise<Opened> {
  const { name, context } = task;
  const { local, cache, purged } = parts;
  const stamp = purged.stamp(name.id);
  // it may have come between the miss and this flight, which keeps it from coming now
  const here = name.size === ORIG ? local.look(name) : cache.peek(relnameOf(name));
  if (here !== undefined) return { kind: "resident", meta: here, source: "hit", via: "" };
  // after a change of topology those of this level that may have owned it before: also before it is made anew
  const moved = await findAtPeers(parts, context, name, task.holder);
  if (moved !== undefined) return arrived(parts, name, moved);

  const facts = name.size === ORIG ? undefined : local.facts(name.id);

  // 4. generation, from a sufficient variant on this disk; in pieces, as each is a third of a millisecond
  if (facts !== undefined) await nextTurn();
  const from = facts && localSource(parts, { wanted: name, facts });
  if (from !== undefined && facts !== undefined) {
    return { kind: "recipe", from, facts, source: "generated", wanted: name };
  }

  // 5. upstream, for the wanted variant
  const below = await askBelow(parts, context, { wanted: name });
  if (below !== undefined) {
    const { meta, via, standIn } = below.reply;
    const body = belowBody(parts, context, below);
    // another variant in its place is kept under its own name, and stays marked
    const source = standIn === true ? "stand-in" : "upstream";
    return arrived(parts, name, { meta, body, via, source });
  }

  // 6. origin
  const known = (): Facts | undefined => (purged.stamp(name.id) === stamp ? facts : undefined);
  if (name.size !== ORIG) {
    const near = await fromNearby(parts, task, known());
    return near ?? (await fromOriginal(parts, task, known));
  }
  return { kind: "incoming", incoming: await openAtOrigin(parts, context, name.id) };
}

/** A source has answered; what it says the picture is may name a variant that is already here. */
function arrived(parts: Parts, name: Variant, incoming: Incoming): Opened {
  const { meta, source, via, body } = incoming;
  parts.local.remember(name.id, meta.facts, meta.sourceAt);
  const here = parts.cache.peek(meta.relname);
  if (here === undefined) return { kind: "incoming", incoming };
  // the wanted class is another one's picture
  body.cancel();
  return { kind: "resident", meta: here, source, via };
}

async function fromNearby(
  parts: Parts,
  { name, context }: Task,
  facts: Facts | undefined,
): Promise<Opened | undefined> {
  const near = facts && (await findNearby(parts, context, { wanted: name, facts }));
  if (near === undefined || facts === undefined) return undefined;
  parts.counters.add("nearby_source");
  if (near.kind === "wanted") return arrived(parts, name, near.incoming);
  return { kind: "recipe", from: near.from, facts, source: "peer", wanted: name };
}

async function fromOriginal(
  parts: Parts,
  task: Task,
  known: () => Facts | undefined,
): Promise<Opened> {
  const { name, context } = task;
  const { local, cache } = parts;
  const original = await residentOriginal(parts, name.id, context);
  if (original === undefined) return { kind: "past-cache" };
  const { meta, held } = original;
  using stack = new DisposableStack();
  stack.use(held);
  const facts =
    known() ??
    (await probeFacts(parts, context, { id: name.id, path: held.path, of: meta.relname }));
  local.remember(name.id, facts, meta.sourceAt);
  const source = original.fetched ? "origin" : "generated";
  const wanted = local.canonical(name);
  const here = cache.peek(relnameOf(wanted));
  if (here !== undefined) return { kind: "resident", meta: here, source, via: "" };
  // whoever follows the recipe lets the original go
  stack.move();
  const from = { variant: originalOf(name.id), meta, held };
  return { kind: "recipe", from, facts, source, wanted };
}

async function make(
  parts: Parts,
  task: Task,
  options: { readonly recipe: Recipe; readonly lead: Lead },
): Promise<Served | undefined> {
  const { lead } = options;
  const { from, facts, wanted, source } = options.recipe;
  const { cache, counters, topology } = parts;
  // making room may evict what it is made from: held, it stays readable
  using _ = from.held;
  // bytes are reserved before they are written, though the length is only known afterwards
  using reservation = cache.reserve(outputBytesEstimate(topology, wanted, facts), wanted.id);
  const made = await generate(parts, task.context, {
    ...{ wanted, facts },
    source: from,
    room: reservation,
  });
  using target = made.target;
  await nextTurn();
  // read before it is published: a file that is refused is gone
  const file = openSync(target.path, "r");
  try {
    if (reservation !== undefined && target.keepable && settle(reservation, made)) {
      const { meta } = made;
      const kept = publishFresh(parts, {
        ...{ room: reservation, temp: target.path, meta },
        // minted of the bytes that were made
        digest: meta.validator,
      });
      target.taken();
      // of what was read in the slack of a purge that is over, and that main drops in a moment: good, but not to be kept
      const isPassing = kept === "purged" && !parts.purged.outdated(wanted.id, meta.sourceAt);
      if (kept !== "refused" && !isPassing) {
        await nextTurn();
        lead.done({ meta, source, via: "", temp: "", stored: kept !== "purged" });
        return undefined;
      }
    }
    counters.add("uncached");
    lead.solo();
    return inMemory(made, source, readFileSync(file));
  } finally {
    closeSync(file);
  }
}

async function makePastCache(parts: Parts, task: Task): Promise<Served> {
  const { name, context } = task;
  return withSpooled(parts, name.id, context, async ({ path, meta }) => {
    const facts = await probeFacts(parts, context, { id: name.id, path });
    parts.local.remember(name.id, facts, meta.sourceAt);
    // the spooled file is let go by whoever spooled it
    const held = { path, [Symbol.dispose]() {} };
    const source = { variant: originalOf(name.id), meta, held };
    const wanted = parts.local.canonical(name);
    return intoMemory(await generate(parts, context, { wanted, facts, source }), "origin");
  });
}

/** Whether the reservation covers what was made. */
function settle(reservation: Reservation, made: Made): boolean {
  const missing = made.meta.bytes - reservation.bytes;
  return missing <= 0 || reservation.grow(missing);
}

function intoMemory(made: Made, source: Source): Served {
  using target = made.target;
  return inMemory(made, source, readFileSync(target.path));
}

function inMemory({ meta }: Made, source: Source, bytes: Uint8Array): Served {
  const outcome = { source, via: "", collapsed: false, stored: false };
  return { kind: "bytes", meta, outcome, bytes };
}
