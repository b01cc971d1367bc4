/** A hit that is asked for again: what has to be looked at to know that the whole search would end in it once more. */

import { ORIG, type VariantMeta } from "../base/variant.ts";
import type { Seat } from "../cache/seat.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { otherOwner } from "./fetch-content.ts";
import type { Parts } from "./parts.ts";
import { isSound } from "./sound.ts";

/** What one search found, and by what. Good under one topology. */
export interface FoundHit {
  readonly webId: string;
  readonly id: string;
  readonly relname: string;
  readonly seat: Seat;
  /** Whom a replica tells of its hits. */
  readonly owner: string | undefined;
  resolution: Resolution;
  /** Purges and blocks it is known to have nothing to do with. */
  changes: number;
}

export interface Repeats {
  /** To be called when a search for the web id has just ended in `meta`; undefined: nothing that can be relied on. */
  note(webId: string, meta: VariantMeta): FoundHit | undefined;
  /** Whether a search for the same would end in the same now. Counts nothing. */
  stands(found: FoundHit): boolean;
  /** Whether these bytes of its file are what was published; a damaged file is no longer here when it returns false. */
  isSound(found: FoundHit, bytes: Uint8Array): boolean;
  /** Counts it as the search would have: for the figures, for eviction, for the owner. */
  count(found: FoundHit): void;
}

export function makeRepeats(parts: Parts): Repeats {
  const { cache, paths, purged, counters, recorder, hot } = parts;

  const resolvesAlike = (found: FoundHit): boolean => {
    const resolution = paths.look(found.webId);
    if (resolution === found.resolution) return true;
    if (resolution?.kind !== "known" || resolution.id !== found.id) return false;
    found.resolution = resolution;
    return true;
  };

  const unblocked = (found: FoundHit): boolean => {
    const changes = purged.changes();
    if (changes === found.changes) return true;
    if (purged.blocked(found.id)) return false;
    found.changes = changes;
    return true;
  };

  return {
    note(webId, meta) {
      const changes = purged.changes();
      const resolution = paths.look(webId);
      if (resolution?.kind !== "known") return undefined;
      // once the facts are learnt, the same request may mean another variant
      if (meta.facts.width === 0 && !meta.relname.includes(`/${ORIG}/`)) return undefined;
      const { id } = resolution;
      const { relname } = meta;
      const seat = cache.seat(meta);
      if (seat === undefined) return undefined;
      return { webId, id, relname, seat, owner: otherOwner(parts, id), resolution, changes };
    },
    stands: (found) => cache.stands(found.seat) && resolvesAlike(found) && unblocked(found),
    isSound: (found, bytes) => isSound(cache, found, bytes),
    count({ seat, owner, relname }) {
      counters.add("path_cache_hit");
      counters.add("lru_hit");
      cache.count(seat);
      hot.asked(relname);
      if (owner !== undefined) recorder.hit(owner, relname);
    },
  };
}
