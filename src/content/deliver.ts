/** The last hop of an upload: into the origin store (spec §2 "upload" step 3). */

import { Fault } from "../base/fault.ts";
import { parseRelname } from "../base/variant.ts";
import type { Origin } from "../origin/origin.ts";
import type { OutboxRecord } from "./outbox-record.ts";

/** Time for one upload at the store: a start, and what the bytes take at the slowest pace worth waiting for. */
const DELIVER_MS = 60_000;
const SLOWEST_BYTES_PER_MS = 512;

/** Resolves when the store has the bytes, read back. Faults as `Origin.put`. */
export async function deliverToOrigin(
  record: OutboxRecord,
  options: { readonly origin: Origin | undefined; readonly path: string },
): Promise<"done"> {
  const { origin, path } = options;
  if (origin === undefined) {
    throw new Fault("no_origin", "this node cannot open the origin; uploads wait for it");
  }
  const { relname, bytes, sha256, unchecked = false } = record;
  const variant = parseRelname(relname);
  if (variant === undefined) throw new Fault("bad_digest", "not the name of an original");
  const { id, ext } = variant;
  const deadlineMs = DELIVER_MS + bytes / SLOWEST_BYTES_PER_MS;
  await origin.put(id, { ext, path, bytes, sha256, unchecked, deadlineMs });
  return "done";
}
