/** Drops everything this node has of a content id (spec §11 "Purge"). */

import { relnameOf } from "../base/variant.ts";
import type { Parts } from "./parts.ts";

export interface Dropped {
  readonly id: string;
  readonly variants: number;
  readonly bytes: number;
  /** Uploads that were on their way to the store and are no longer; only where there were any. */
  readonly uploads?: number;
}

/**
 * Every variant the id can have: those that are just being published too, but not what is pinned, which may be
 * the only copy of an upload. What threads remember of the id is for `announce`.
 */
export function dropId({ cache, local }: Pick<Parts, "cache" | "local">, id: string): Dropped {
  let variants = 0;
  let bytes = 0;
  for (const name of local.namesOf(id)) {
    const relname = relnameOf(name);
    const meta = cache.peek(relname);
    if (!cache.forget(relname)) continue;
    variants++;
    bytes += meta?.bytes ?? 0;
  }
  return { id, variants, bytes };
}
