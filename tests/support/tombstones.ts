/** Tombstones of a cache directory, with a clock that the test sets. */

import type { Clock } from "../../src/base/clock.ts";
import { createCacheMemory } from "../../src/cache/memory.ts";
import { openPurged, type Purged } from "../../src/cache/purged.ts";
import type { PurgeOrder } from "../../src/cache/tombstone-state.ts";
import { openTombstones, type Tombstones } from "../../src/cache/tombstones.ts";
import { SIZES } from "./cache-dir.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";
import { watchedParts } from "./watched-parts.ts";

export const NOW = 1_700_000_000;

export interface OpenedTombstones {
  readonly tombstones: Tombstones;
  readonly purged: Purged;
  readonly lines: readonly string[];
}

/** As at the start of a node whose cache directory that is. */
export function openAt(dir: TempDir, wall: { readonly seconds: number }): OpenedTombstones {
  const { log, lines } = watchedParts();
  const clock: Clock = { monotonicMs: () => performance.now(), wallSeconds: () => wall.seconds };
  const memory = createCacheMemory({ capacityBytes: 1 << 20, slots: 64, sizes: SIZES });
  const tombstones = openTombstones({ memory, dir: dir.path, log, clock });
  return { tombstones, purged: openPurged(memory, clock), lines };
}

export function emptyDir(): TempDir {
  const dir = makeTempDir();
  dir.write(".mir/lock", "");
  return dir;
}

export const purge = (id: string, purgedAt = NOW): PurgeOrder => ({
  id,
  purgedAt,
  action: "purge",
});
export const withdraw = (id: string, purgedAt = NOW): PurgeOrder => ({
  ...{ id, purgedAt, action: "withdraw" },
});
export const block = (id: string, purgedAt = NOW): PurgeOrder => ({
  id,
  purgedAt,
  action: "block",
});
export const unblock = (id: string, purgedAt = NOW): PurgeOrder => ({
  ...{ id, purgedAt, action: "unblock" },
});
