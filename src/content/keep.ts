/** Brings an incoming variant into the cache for its flight, or past it when there is no room or it is from before a purge. */

import { type Fault, unreachable } from "../base/fault.ts";
import { parseRelname } from "../base/variant.ts";
import { fill, type Incoming } from "./fill.ts";
import type { Lead } from "./flight.ts";
import { tooLarge } from "./original.ts";
import type { Parts } from "./parts.ts";
import type { Served } from "./served.ts";

/** Ends the flight. An answer comes back only for the one asker that leads, and only when nothing was kept. */
export async function keepIncoming(
  parts: Parts,
  options: {
    readonly incoming: Incoming;
    readonly lead: Lead;
    /** Bytes beyond which the leading asker has no use for it. */
    readonly bytesMax?: number | undefined;
  },
): Promise<Served | Fault | undefined> {
  const { incoming, lead, bytesMax = Number.POSITIVE_INFINITY } = options;
  const { cache, purged, counters, log } = parts;
  if (incoming.meta.bytes > bytesMax) {
    // others may want it as it is: only this asker is refused
    incoming.body.cancel();
    lead.solo();
    return tooLarge();
  }
  const id = parseRelname(incoming.meta.relname)?.id ?? "";
  const fresh = purged.accepts(id, incoming.meta.sourceAt);
  const reservation = fresh ? cache.reserve(incoming.meta.bytes, id) : undefined;
  const filled =
    reservation === undefined
      ? ({ kind: "untouched" } as const)
      : await fill({ cache, purged, lead, incoming, reservation });
  switch (filled.kind) {
    case "kept":
      return undefined;
    case "failed":
      counters.add("body_cut");
      log.warn("a load broke off", { relname: incoming.meta.relname, fault: filled.fault });
      return undefined;
    case "untouched":
      counters.add("uncached");
      lead.solo();
      return passOn(incoming);
    case "unkept":
      counters.add("uncached");
      return filled.whole === undefined ? undefined : inMemory(incoming, filled.whole);
    default:
      return unreachable(filled);
  }
}

/** Straight to the one asker. */
export function passOn(incoming: Incoming): Served {
  const { meta, body, source, via } = incoming;
  const outcome = { source, via, collapsed: false, stored: false };
  return { kind: "stream", meta, outcome, body };
}

function inMemory({ meta, source, via }: Incoming, bytes: Uint8Array): Served {
  const outcome = { source, via, collapsed: false, stored: false };
  return { kind: "bytes", meta, outcome, bytes };
}
