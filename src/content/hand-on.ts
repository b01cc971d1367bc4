/** The next hop of an upload that this node vouches for: the owner in the level below, at the last one the store. */

import { asFault, Fault } from "../base/fault.ts";
import { parseRelname, type Variant } from "../base/variant.ts";
import { deliverToOrigin } from "./deliver.ts";
import { isUnreachable } from "./first-of.ts";
import type { OutboxRecord } from "./outbox-record.ts";
import type { Parts } from "./parts.ts";
import { isLegacy, readBack } from "./read-back.ts";
import { handMs } from "./upload.ts";
import { candidatesFor } from "./upstream.ts";

/**
 * Resolves when the next hop vouches for it. Which hop that is, is asked of the topology and not of the
 * record: levels may have come and gone since. Faults: `no_origin` when nobody of the level can be
 * reached, else what the one that could be reached, or the store, refuses with.
 */
export async function handOn(parts: Parts, record: OutboxRecord): Promise<"done"> {
  await parts.cache.settle(record.relname);
  const path = parts.cache.pathOf(record.relname);
  const wanted = parseRelname(record.relname);
  if (wanted === undefined) throw new Fault("bad_digest", "not the name of an original");
  const ranks = parts.ownership.upstreamRank(parts.self.name, wanted.id);
  if (ranks.length === 0) return deliverToOrigin(record, { origin: parts.origin, path });
  for (const { peer } of candidatesFor(parts, { wanted }, ranks)) {
    if (await handDown(parts, peer, { record, wanted, path })) return "done";
  }
  throw new Fault("no_origin", "no node of the next level could be reached");
}

/** False when the peer could not be reached, or did not vouch for it in time. */
async function handDown(
  parts: Parts,
  peer: string,
  hop: { readonly record: OutboxRecord; readonly wanted: Variant; readonly path: string },
): Promise<boolean> {
  const { record, wanted, path } = hop;
  const { relname, bytes, validator, modified, facts, lossySteps, sha256 } = record;
  const upload = { sha256, ...(record.unchecked === true && { unchecked: true }) };
  const meta = { relname, bytes, validator, modified, facts, lossySteps };
  const message = { kind: "save", meta, path, upload } as const;
  try {
    const budgetMs = handMs(bytes);
    await parts.links.tell(peer, message, { deadlineMs: budgetMs });
    if (isLegacy(parts, peer)) await readBack(parts, peer, { wanted, sha256, budgetMs });
    return true;
  } catch (error) {
    const fault = asFault(error);
    if (!isUnreachable(fault) && fault.code !== "too_slow") throw fault;
    parts.log.warn("upload.peer_passed_over", { peer, relname, fault });
    return false;
  }
}
