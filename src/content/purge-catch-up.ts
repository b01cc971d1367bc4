/** Asks other nodes what was purged while this one could not be told (spec §11). */

import * as v from "valibot";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { isContentId } from "../base/variant.ts";
import { afterOrder, ordersOf, type PurgeOrder } from "../cache/tombstone-state.ts";
import type { Tombstones } from "../cache/tombstones.ts";
import type { Links } from "../mesh/link.ts";
import type { Server } from "../topology/topology.ts";
import type { Parts } from "./parts.ts";
import type { PurgeCursors } from "./purge-cursors.ts";
import type { PurgeHere } from "./purge-here.ts";

/** Pages of one peer in one round: all that it can remember. */
const PAGES_MAX = Math.ceil(LIMITS.purgesMax / LIMITS.purgePageMax) + 1;

const pageSchema = v.object({
  log: v.string(),
  seq: v.number(),
  more: v.boolean(),
  orders: v.array(
    v.object({
      id: v.pipe(v.string(), v.check(isContentId)),
      purgedAt: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
      action: v.picklist(["purge", "withdraw", "block", "unblock"]),
    }),
  ),
});

/** What a node that asks is told; becomes the detail of an acknowledgement. */
export function pageSince(
  tombstones: Tombstones,
  since: { readonly log: string; readonly seq: number },
): v.InferOutput<typeof pageSchema> {
  const { log, seq, more, states } = tombstones.since(since, LIMITS.purgePageMax);
  return { log, seq, more, orders: states.flatMap(ordersOf) };
}

export interface CatchUpParts {
  readonly parts: Pick<Parts, "self" | "topology" | "log">;
  readonly links: Pick<Links, "tell">;
  readonly tombstones: Tombstones;
  readonly here: Pick<PurgeHere, "carryOut">;
  readonly cursors: PurgeCursors;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Asks at most so many peers, of this level and those beside it; how many answered. */
export async function catchUp(options: CatchUpParts, peersMax: number): Promise<number> {
  const peers = peersOf(options).slice(0, peersMax);
  const asked = await Promise.all(peers.map((peer) => askAll(options, peer)));
  options.cursors.save();
  return asked.filter((answered) => answered).length;
}

function peersOf({ parts, random }: CatchUpParts): string[] {
  const { self, topology } = parts;
  const isNear = (server: Server): boolean =>
    server.name !== self.name && server.privates.length > 0 && !server.legacy;
  return topology.levels
    .filter(({ index }) => Math.abs(index - self.level) <= 1)
    .flatMap(({ servers }) => servers.filter(isNear))
    .map(({ name }) => ({ name, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
}

/** Whether the peer could be asked. */
async function askAll(options: CatchUpParts, peer: string): Promise<boolean> {
  const { cursors, here, tombstones, parts } = options;
  try {
    for (let page = 0; page < PAGES_MAX; page++) {
      const { orders, log, seq, more } = await askPage(options, peer);
      const news = orders.filter((order) => isNews(tombstones, order));
      if (news.length > 0) {
        parts.log.info("purges were missed", { peer, orders: news.length });
        await here.carryOut(news);
      }
      cursors.set(peer, { log, seq });
      if (!more) break;
    }
    return true;
  } catch (error) {
    parts.log.debug("peer could not be asked for purges", { peer, fault: asFault(error) });
    return false;
  }
}

async function askPage(
  { links, cursors }: CatchUpParts,
  peer: string,
): Promise<v.InferOutput<typeof pageSchema>> {
  const told = await links.tell(
    peer,
    { kind: "purge", entries: [], hops: 0, since: cursors.get(peer) },
    { deadlineMs: DEADLINES.purgeTellMs },
  );
  const parsed = v.safeParse(pageSchema, told.detail);
  if (!parsed.success) throw new Fault("bad_frame", "an answer of another version");
  return parsed.output;
}

function isNews(tombstones: Tombstones, order: PurgeOrder): boolean {
  return afterOrder(tombstones.get(order.id), order, 0) !== undefined;
}
