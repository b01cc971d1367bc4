/** What the file system really has room for: the limit of the cache wherever that is less than its capacity (spec §11). */

import { lstatSync, readdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { isDiskFull } from "../base/errno.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { metaDir } from "./journal.ts";
import { HEADER, SUM } from "./layout.ts";
import { limitBytes, overheadBytes, roomBytes, roomSlots } from "./ledger.ts";
import { tryLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { openStore } from "./open-store.ts";
import { takeRoom } from "./room.ts";
import type { Store } from "./store.ts";
import { sum, word } from "./view.ts";

/** Share of the file system's bytes and inodes that stays free (spec §11). */
const FREE_SHARE = 0.02;
/** Of `blocks` in stat(2), whatever the file system's own are. */
const STAT_BLOCK_BYTES = 512;

/** As statfs(2) tells them. */
export interface DiskFigures {
  readonly bsize: number;
  readonly blocks: number;
  /** Blocks an unprivileged process may still take. */
  readonly bavail: number;
  /** Inodes; 0 where the file system does not count them. */
  readonly files: number;
  readonly ffree: number;
}

export type ReadDisk = (dir: string) => DiskFigures;

/**
 * The file system has refused a write for want of room: it is looked at again, and what it has no room for is evicted,
 * some of it (at most LIMITS.cacheVictimsMax variants). Where it claims to have room all the same (a quota), the cache
 * may not grow until main looks again.
 */
export function yieldRoom(store: Store, readDisk: ReadDisk = statfsSync): void {
  look(store, { readDisk, refused: true });
  if (lacks(store)) takeRoom(store, { bytes: 0, slots: 0 });
}

/** Where the disk is full, room is made and the write repeated, once. Throws what the file system says. */
export function retryWhenFull<T>(store: Store, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    yieldRoom(store);
    return write();
  }
}

/**
 * For main, at the start and every few seconds: each call looks at the file system and evicts what it has no room for.
 * `evicted` is counted; the log tells when the file system becomes the limit, and when the capacity is it again.
 */
export function watchDisk(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly readDisk?: ReadDisk;
}): () => Promise<void> {
  const { dir, log, readDisk = statfsSync } = options;
  let tight = false;
  return async () => {
    const store = openStore({ ...options, worker: 0 });
    try {
      look(store, { readDisk, refused: false });
      for (let before = -1; lacks(store) && word(store.view, HEADER.live) !== before; ) {
        before = word(store.view, HEADER.live);
        takeRoom(store, { bytes: 0, slots: 0 });
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      store.close();
    }
    const capacityBytes = sum(store.view, SUM.capacity);
    const fits = limitBytes(store.view);
    if (tight === fits < capacityBytes) return;
    tight = !tight;
    const figures = { dir, capacityBytes, limitBytes: fits };
    if (tight) log.warn("cache.disk_is_less", { ...figures, effect: "the cache is kept smaller" });
    else log.info("cache.disk_has_room", figures);
  };
}

function lacks({ view }: Store): boolean {
  return roomBytes(view) < 0 || roomSlots(view) < 0;
}

/** What is ours on the disk now and what may be added; the rest of reservations is not on it yet. */
function look(
  store: Store,
  options: { readonly readDisk: ReadDisk; readonly refused: boolean },
): void {
  const { view } = store;
  const figures = read(store, options.readDisk);
  if (figures === undefined || !tryLock(store)) return;
  const { bsize, blocks, bavail, files, ffree, temps } = figures;
  const bytes = sum(view, SUM.used) + overheadBytes(view) + temps.bytes;
  const free = Math.floor((bavail - blocks * FREE_SHARE) * bsize);
  const slots = word(view, HEADER.taken) + temps.count;
  const freeSlots = files === 0 ? Number.POSITIVE_INFINITY : Math.floor(ffree - files * FREE_SHARE);
  view.sums[SUM.diskBytes] = bytes + (options.refused ? Math.min(0, free) : free);
  view.sums[SUM.diskSlots] = slots + freeSlots;
  unlock(view);
}

function read(store: Store, readDisk: ReadDisk) {
  try {
    return { ...readDisk(store.dir), temps: tempsOf(store.dir) };
  } catch (error) {
    // a folder is gone or may not be read: what was known stays
    store.log.debug("cache.disk_unread", { error });
    return undefined;
  }
}

/** Files that are being written: on the disk as far as they have come, in the ledger as reservations. */
function tempsOf(dir: string): { readonly bytes: number; readonly count: number } {
  const folder = join(metaDir(dir), "tmp");
  const files = readdirSync(folder)
    .map((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }))
    // another name of a cached file is accounted with that
    .filter((file) => file?.isFile() === true && file.nlink === 1);
  const blocks = files.reduce((total, file) => total + (file?.blocks ?? 0), 0);
  return { bytes: blocks * STAT_BLOCK_BYTES, count: files.length };
}
