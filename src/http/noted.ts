/** Hits on disk of one worker that are asked for again: what their URL led to, so that it is not read and searched anew. */

import { LIMITS } from "../base/limits.ts";
import { makeMemo } from "../base/memo.ts";
import type { FoundHit, Repeats } from "../content/repeat.ts";
import type { Served } from "../content/served.ts";

export interface DiskHit {
  readonly webId: string;
  readonly served: Extract<Served, { kind: "file" }>;
  /** Of the 200. */
  readonly success: Headers;
}

export interface Noted {
  /** What is noted under a key, if the whole search would end in it now; it is counted as a hit then. */
  find(key: string): DiskHit | undefined;
  /** A search has just ended in a hit on disk; noted from the second time on. */
  note(key: string, hit: DiskHit): void;
}

interface Note extends DiskHit {
  readonly found: FoundHit;
}

/** Keys as those of the RAM tier, and like there nothing is sent that the index does not vouch for at that moment. */
export function makeNoted(repeats: Repeats, hitsMax: number = LIMITS.notedHitsMax): Noted {
  const notes = makeMemo<Note | "once">(hitsMax);
  return {
    find(key) {
      const note = notes.get(key);
      if (note === undefined || note === "once") return undefined;
      if (!repeats.stands(note.found)) {
        notes.set(key, "once");
        return undefined;
      }
      repeats.count(note.found);
      return note;
    },
    note(key, hit) {
      if (key.length > LIMITS.notedKeyCharsMax) return;
      const found = notes.get(key) && repeats.note(hit.webId, hit.served.meta);
      notes.set(key, found === undefined ? "once" : { ...hit, found });
    },
  };
}
