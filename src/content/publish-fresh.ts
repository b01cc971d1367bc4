/** Publishing what was fetched or made, unless its id was purged meanwhile (spec §11). */

import { rmSync } from "node:fs";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import type { Published } from "../cache/publish.ts";
import type { Reservation } from "../cache/reservation.ts";
import type { Parts } from "./parts.ts";

/**
 * As `Cache.publish`, and "purged" when the source is from before a purge: nothing of it is here then. Looked
 * at again after publishing: a purge writes its tombstone before it drops variants, so that either it finds
 * this one or this finds the tombstone.
 */
export function publishFresh(
  { cache, purged }: Pick<Parts, "cache" | "purged">,
  file: {
    readonly room: Reservation;
    readonly temp: string;
    readonly meta: VariantMeta;
    readonly digest?: string;
  },
): Published | "purged" {
  const { room, temp, meta, digest } = file;
  const id = parseRelname(meta.relname)?.id ?? "";
  if (!purged.accepts(id, meta.sourceAt)) {
    rmSync(temp, { force: true });
    room.release();
    return "purged";
  }
  const kept = cache.publish(room, temp, meta, digest === undefined ? {} : { digest });
  if (purged.accepts(id, meta.sourceAt)) return kept;
  if (kept === "published") cache.forget(meta.relname);
  return "purged";
}
