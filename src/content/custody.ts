/** The main thread's part of taking an upload into custody: one outbox, one judge of who came first. */

import { Fault } from "../base/fault.ts";
import { ORIGINAL_EXTS, parseRelname, relnameOf } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { PurgeOrder } from "../cache/tombstone-state.ts";
import type { Tombstones } from "../cache/tombstones.ts";
import type { Outbox } from "./outbox.ts";
import type { OutboxRecord } from "./outbox-record.ts";

export interface Custody {
  readonly record: OutboxRecord;
  /** `fresh`: just published; when it cannot be vouched for it goes. `found`: here before. */
  readonly file: "fresh" | "found";
}

export interface CustodyParts {
  readonly outbox: Outbox;
  readonly cache: Cache;
  readonly tombstones: Pick<Tombstones, "get">;
}

/** The stamp of a purge may be of a node whose clock is ahead. */
const WITHDRAWN_RETRY_MS = 5_000;

/**
 * Durable when it returns: the record is in the outbox and its picture pinned. Faults as `Outbox.add`,
 * `overloaded` when the picture went meanwhile, `withdrawn` when its id was purged with its original since. Every change of what is pinned for the outbox is made on
 * this thread, so that a record never stands beside a picture that may be evicted.
 */
export function takeCustody(parts: CustodyParts, { record, file }: Custody): void {
  const { outbox, cache } = parts;
  const { relname } = record;
  try {
    refuseWithdrawn(parts.tombstones, record);
    refuseSecondName(outbox, relname);
    // also when it was published pinned: a try of the same picture that failed may have unpinned it
    if (!cache.pin(relname)) throw gone();
    outbox.add(record);
  } catch (error) {
    if (!isHeld(outbox, relname)) {
      cache.unpin(relname);
      if (file === "fresh") cache.forget(relname);
    }
    throw error;
  }
}

/**
 * Gives up what was uploaded under the id before the order, on its way or set aside, and leaves the file to
 * whoever drops the id; how many there were. What is being sent just now is undone by who sends it.
 */
export function withdraw(
  { outbox, cache }: Pick<CustodyParts, "outbox" | "cache">,
  { id, purgedAt }: PurgeOrder,
): number {
  const records = [...outbox.list(), ...outbox.aside()].filter(
    ({ relname, modified }) => idOf(relname) === id && modified <= purgedAt,
  );
  for (const { relname } of records) {
    outbox.remove(relname);
    cache.unpin(relname);
  }
  return records.length;
}

function refuseWithdrawn(
  tombstones: CustodyParts["tombstones"],
  { relname, modified }: OutboxRecord,
): void {
  const withdrawnAt = tombstones.get(idOf(relname))?.withdrawnAt ?? 0;
  if (modified > withdrawnAt) return;
  throw new Fault("withdrawn", "the picture was purged with its original", {
    retryAfterMs: WITHDRAWN_RETRY_MS,
  });
}

function idOf(relname: string): string {
  const variant = parseRelname(relname);
  if (variant === undefined) throw new Fault("internal", "not the name of an original");
  return variant.id;
}

/** Two uploads under one id at once, as jpg and as png: the second one has other bytes. */
function refuseSecondName(outbox: Outbox, relname: string): void {
  const variant = parseRelname(relname);
  if (variant === undefined) throw new Fault("internal", "not the name of an original");
  const others = ORIGINAL_EXTS.map((ext) => relnameOf({ ...variant, ext }));
  if (others.some((other) => other !== relname && isHeld(outbox, other))) {
    throw new Fault("conflict", "other bytes are on their way under this id");
  }
}

function isHeld(outbox: Outbox, relname: string): boolean {
  return outbox.get(relname) !== undefined || outbox.aside().some((r) => r.relname === relname);
}

function gone(): Fault {
  return new Fault("overloaded", "the picture was evicted meanwhile", { retryAfterMs: 1000 });
}
