/** What a purge means for the variants of an id: which may be kept, which may not even be passed on (spec §11). */

import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { CacheMemory } from "./memory.ts";
import { PURGE_SLACK_SECONDS, TombstoneTable } from "./tombstone-table.ts";

/**
 * How old a variant is, is known by when its source was read (`VariantMeta.sourceAt`, Unix seconds; undefined
 * counts as older than every purge). The index does not hold it: what is in there is at least as new as the
 * last purge of its id, or it would be gone, and that is what `sourceAt` tells of it.
 */
export interface Purged {
  /** Throws a Fault `blocked`. */
  refuseBlocked(id: string): void;
  blocked(id: string): boolean;
  /** Whether a variant may be kept. For the slack after a purge so may what is about as old; main drops it then. */
  accepts(id: string, sourceAt: number | undefined): boolean;
  /** Whether it is from before the purge, as far as anybody knows: whoever has it did not hear of the purge. */
  outdated(id: string, sourceAt: number | undefined): boolean;
  /** Since when, at least, the source of every variant of the id on this disk was read; undefined: unknown. */
  sourceAt(id: string): number | undefined;
  /** Differs after every change of what is purged or blocked, of whatever id. One plain load. */
  changes(): number;
  /** Differs after every purge: loads from before and after it are not the same load. */
  stamp(id: string): number;
}

export function openPurged(
  memory: Pick<CacheMemory, "tombstones">,
  clock: Pick<Clock, "wallSeconds">,
): Purged {
  const table = new TombstoneTable(memory.tombstones);
  const look = (id: string) => table.look(id, clock.wallSeconds());
  const blocked = (id: string): boolean => look(id)?.blocked === true;
  return {
    blocked,
    refuseBlocked(id) {
      if (blocked(id)) throw new Fault("blocked", "the picture is blocked");
    },
    accepts(id, sourceAt = 0) {
      const purgedAt = look(id)?.purgedAt ?? 0;
      if (purgedAt === 0 || sourceAt >= purgedAt + PURGE_SLACK_SECONDS) return true;
      return sourceAt >= purgedAt && clock.wallSeconds() < purgedAt + PURGE_SLACK_SECONDS;
    },
    outdated: (id, sourceAt = 0) => sourceAt < (look(id)?.purgedAt ?? 0),
    sourceAt(id) {
      const found = look(id);
      if (found === undefined || found.purgedAt === 0 || found.stage === "written")
        return undefined;
      return found.purgedAt + (found.stage === "swept" ? PURGE_SLACK_SECONDS : 0);
    },
    changes: () => table.changes(),
    stamp: (id) => look(id)?.purgedAt ?? 0,
  };
}
