/** The main thread's part of taking an upload into custody: one outbox, one judge of who came first. */

import { Fault } from "../base/fault.ts";
import { ORIGINAL_EXTS, parseRelname, relnameOf } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Outbox } from "./outbox.ts";
import type { OutboxRecord } from "./outbox-record.ts";

export interface Custody {
  readonly record: OutboxRecord;
  /** `fresh`: just published; when it cannot be vouched for it goes. `found`: here before. */
  readonly file: "fresh" | "found";
}

/**
 * Durable when it returns: the record is in the outbox and its picture pinned. Faults as `Outbox.add`, and
 * `overloaded` when the picture went meanwhile. Every change of what is pinned for the outbox is made on
 * this thread, so that a record never stands beside a picture that may be evicted.
 */
export function takeCustody(
  parts: { readonly outbox: Outbox; readonly cache: Cache },
  { record, file }: Custody,
): void {
  const { outbox, cache } = parts;
  const { relname } = record;
  try {
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
