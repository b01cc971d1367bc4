/** How much of a server's capacity each directory of its cache takes (spec §9 `cache_dirs`, §11 `capacity`). */

import { mkdirSync, statfsSync, statSync } from "node:fs";
import { isPrepared } from "../cache/disk-identity.ts";
import { type KnownDisks, readKnownDisks } from "../cache/known-disks.ts";
import { BLOCK_BYTES } from "../cache/layout.ts";
import type { Server } from "../topology/topology.ts";

/** Share of the file system taken when the topology names no capacity (spec §11). */
const CAPACITY_SHARE = 0.9;

export interface CapacityShare {
  readonly dir: string;
  readonly capacityBytes: number;
}

/** A file system, and how much of it is for one directory. */
interface Room {
  /** Device; directories that have the same share it. */
  readonly device: number | undefined;
  readonly bytes: number;
}

type Place = Pick<Server, "cacheDir" | "cacheDirs" | "capacityBytes">;

/**
 * In proportion to their file systems; directories on one file system have equal parts of it. One that cannot be
 * looked at counts as it was last seen, else like the others on average. Throws for the only one.
 */
export function shareCapacity(self: Place): readonly CapacityShare[] {
  const { cacheDirs, capacityBytes } = self;
  const [only] = cacheDirs;
  if (only !== undefined && cacheDirs.length === 1 && capacityBytes !== undefined) {
    return [{ dir: only, capacityBytes }];
  }
  const known = cacheDirs.length === 1 ? new Map() : readKnownDisks(self.cacheDir);
  const rooms = roomsOf(cacheDirs, known);
  const all = rooms.reduce((total, bytes) => total + bytes, 0);
  const taken = capacityBytes ?? all * CAPACITY_SHARE;
  return cacheDirs.map((dir, i) => {
    const share = Math.floor((taken * (rooms[i] ?? 0)) / all);
    return { dir, capacityBytes: Math.max(BLOCK_BYTES, share) };
  });
}

/** Bytes for each directory, more than none. */
function roomsOf(dirs: readonly string[], known: KnownDisks): readonly number[] {
  const found = dirs.map((dir) => roomOf(dir, known, dirs.length === 1));
  const seen = found.filter((room) => room !== undefined);
  const average = seen.reduce((total, { bytes }) => total + bytes, 0) / (seen.length || 1);
  return found.map((room) => {
    if (room === undefined) return Math.max(BLOCK_BYTES, average);
    const { device } = room;
    const sharing = device === undefined ? 1 : seen.filter((o) => o.device === device).length;
    return Math.max(BLOCK_BYTES, room.bytes / sharing);
  });
}

function roomOf(dir: string, known: KnownDisks, must: boolean): Room | undefined {
  const before = known.get(dir);
  const last = before && { device: undefined, bytes: before.fileSystemBytes };
  try {
    // else it is the file system on which the disk should be mounted
    if (before !== undefined && !isPrepared(dir)) return last;
    mkdirSync(dir, { recursive: true });
    const { blocks, bsize } = statfsSync(dir);
    return { device: statSync(dir).dev, bytes: blocks * bsize };
  } catch (error) {
    if (must) throw error;
    return last;
  }
}
