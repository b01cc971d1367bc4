/** Whether bytes read from this disk still are what was published, before anybody relies on them for longer than one answer. */

import type { VariantMeta } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Seat } from "../cache/seat.ts";
import { digestOf } from "../wire/xxhash.ts";

/** By the record of its file; undefined: nobody knows, or it is not here any more. */
export function publishedDigest(cache: Cache, meta: VariantMeta): string | undefined {
  const seat = cache.seat(meta);
  return seat && cache.publishedDigest(seat);
}

/** A file with other bytes is set aside and out of the index when this returns. `xxh64` of the bytes, where it is known. */
export function isSound(
  cache: Cache,
  file: { readonly relname: string; readonly seat: Seat | undefined },
  bytes: Uint8Array,
  xxh64: string = digestOf(bytes),
): boolean {
  const published = file.seat && cache.publishedDigest(file.seat);
  if (published === undefined || published === xxh64) return true;
  cache.inspectNow(file.relname);
  return false;
}
