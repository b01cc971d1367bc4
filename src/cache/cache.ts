/** The cache of one thread: looking, reserving, publishing and forgetting variants on disk. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { isExhausted, isMissing } from "../base/errno.ts";
import type { Facts, NameOfId, VariantMeta } from "../base/variant.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { yieldRoom } from "./disk.ts";
import { type DiskState, diskState } from "./disk-state.ts";
import { finished, finishedInTurns } from "./file-digest.ts";
import { type Folders, makeFolders } from "./folders.ts";
import { digestAt, inspect, type Verdict } from "./inspect.ts";
import { BLOCK_BYTES, HEADER, OCTET, STATE, SUM } from "./layout.ts";
import { learn } from "./learn.ts";
import { limitBytes, overheadBytes, roomBytes } from "./ledger.ts";
import { type Listed, listVariants } from "./list.ts";
import { mustLock, tryLock, unlock } from "./lock.ts";
import { lookUp, namesHere } from "./look.ts";
import type { CacheMemory } from "./memory.ts";
import { openStore } from "./open-store.ts";
import { pin, pinnedNames, unpin } from "./pin.ts";
import { isPinned, pinFits } from "./pins.ts";
import { proven, settle } from "./prove.ts";
import { type Published, publish } from "./publish.ts";
import { type Stray, takeStray } from "./reconcile.ts";
import { HeldRoom, type Reservation, reserve } from "./reservation.ts";
import { type Plan, planLive, retire, takeRoom } from "./room.ts";
import { countAt, type Seat, seatOf, stands } from "./seat.ts";
import { findSlot, stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { makeTemps, type OpenFile } from "./temps.ts";
import { noteUnreadable } from "./trouble.ts";
import { addSum, firstHash, secondHash, setSlotOctet, sum, word } from "./view.ts";

export interface Cache {
  /** A variant that is here, as it was published; counts the access. Lock-free. */
  look(relname: string): VariantMeta | undefined;
  /** The same without counting anything. */
  peek(relname: string): VariantMeta | undefined;
  /** Under which names there is something of an id at this moment; `peek` tells what. Counts nothing. */
  namesHere(id: string): readonly NameOfId[];
  /** Where this very variant lies; undefined: it is not here now. Counts nothing. */
  seat(meta: VariantMeta): Seat | undefined;
  /** Whether it is still there. A few plain loads. */
  stands(seat: Seat): boolean;
  /** xxHash64 of the file as it was published, 16 hex digits; undefined: it is not known, or another stands there. */
  publishedDigest(seat: Seat): string | undefined;
  /** An access of what stands there. */
  count(seat: Seat): void;
  /** Where the file of a relname is, if it is here; it may go at any moment (ENOENT: `forget`, go on as a miss). */
  pathOf(relname: string): string;
  /** A fresh name for a temporary file on the disk of a variant, which is here; the file is the caller's to make. */
  tempPath(relname?: string): string;
  /**
   * A temporary file, made and open for reading and writing, on the disk of the reservation it is to be published with;
   * undefined, counted and told, when it cannot be made. Without a reservation it lies on any disk.
   */
  openTemp(room?: Reservation): OpenFile | undefined;
  /** The same, for who makes the file himself: its name; undefined, counted and told, when the folder takes no files. */
  nameTemp(room?: Reservation): string | undefined;
  /** All of a chunk at `position` of a temporary file; throws when the disk does not take it, nor after making room. */
  writeTemp(file: OpenFile, chunk: Uint8Array, position: number): void;
  /** Bytes could not be written to a temporary file, here or by an image worker; they are served without being kept. */
  noteTrouble(error: unknown, path: string): void;
  /** The file system has refused a write to a temporary file for want of room: evicts what it has no room for. */
  yieldRoom(path: string): void;
  /**
   * Room for a file of so many bytes, made before anything is written; undefined: serve uncached. The content id says
   * on which disk; while it is not known yet, any will do.
   */
  reserve(bytes: number, id?: string): Reservation | undefined;
  /**
   * Makes a finished temporary file the variant `meta.relname`. The reservation is spent whatever the
   * answer; unless "published" the temporary file is gone. "refused" is logged with its reason.
   * `pinned`: the file, its name and its record are durable when it returns, and it is pinned from the
   * moment it is seen. That costs fsyncs on the calling thread: few, when `syncFileAsync` went before.
   * Throws `overloaded` beyond PINNED_SHARE_MAX. "already" leaves pinning to `pin`.
   * `digest`: xxHash64 of the file where it is known, 16 hex digits; else the file is read for it.
   */
  publish(
    reservation: Reservation,
    tempPath: string,
    meta: VariantMeta,
    options?: { readonly pinned?: boolean; readonly digest?: string },
  ): Published;
  /**
   * Makes a variant that is here durable and exempt from eviction and expiry; false when it is not here.
   * Pinning what is pinned changes nothing. Throws `overloaded` beyond PINNED_SHARE_MAX.
   */
  pin(relname: string): boolean;
  /** Gives a variant back to the eviction policy; whether it was here, pinned. */
  unpin(relname: string): boolean;
  /** Whether so many bytes more may be pinned now. */
  pinnable(bytes: number): boolean;
  /** Relnames that are pinned, for comparing with the outbox. */
  pinned(): readonly string[];
  /**
   * Drops a variant and its file; whether there was one. One that is just being published is dropped too.
   * A pinned one whose file is there stays: it may be the only copy.
   */
  forget(relname: string): boolean;
  /** Whether there may be files in doubt: since a crash, until main has read them. */
  inDoubt(): boolean;
  /**
   * Before a variant is looked up after a crash: resolves when its file was read, if it is in doubt and large; undefined
   * when there is nothing to wait for. What `look` and `peek` find in doubt all the same they read themselves, at once.
   */
  settle(relname: string): Promise<void> | undefined;
  /** Whether a file is still what was published, byte for byte; one that is not is set aside and out of the index. */
  inspect(relname: string): Promise<Verdict>;
  /** The same at once: for one that has just shown another length, or was not there. */
  inspectNow(relname: string): Verdict;
  /**
   * A cached file is gone, is another one (undefined), or could not be read: it is forgotten. What was there and failed
   * is also counted and told, and a disk with several of them is left out for a while. The lack of descriptors or of
   * memory is no fault of the file.
   */
  noteUnread(relname: string, error: unknown): void;
  /**
   * Moves a file without a record from where a variant of that name would lie to a temporary file, which is the caller's,
   * with room for it on the same disk if there is any; undefined when there is no such file.
   */
  takeStray(relname: string): Stray | undefined;
  /** What lies in so many places of the index from `from` on, 0 at first; see list.ts. Counts nothing. */
  list(from: number, slotsMax: number): Listed;
  /** Facts of the original became known; kept with this variant. */
  learn(relname: string, facts: Facts): void;
  /** So many files of at most 4 KiB came or went below `.mir`; what exceeds the capacity now is evicted. */
  chargeFiles(count: number): void;
  /** Accounted bytes; bytes + reservedBytes never exceed capacityBytes. */
  usage(): CacheUsage;
  /** The same of each directory, with its state. */
  disks(): readonly DiskUsage[];
  /** Gives back what this thread has reserved; the cache must not be used after. */
  close(): void;
}

export interface CacheUsage {
  readonly variants: number;
  /** Files of variants and below `.mir`. */
  readonly bytes: number;
  /** Of pinned variants; a part of `bytes`. */
  readonly pinnedBytes: number;
  /** Room promised to fills. */
  readonly reservedBytes: number;
  readonly capacityBytes: number;
  /** What it may take for now: the capacity, or less where the file system has less. */
  readonly limitBytes: number;
  /** The last write failed. */
  readonly unwritable: boolean;
}

export interface DiskUsage extends CacheUsage {
  readonly dir: string;
  readonly state: DiskState;
}

/** After `restoreCache`. `worker` is 0 for main, 1.. for worker threads; no two open caches share one. */
export function openCache(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly worker: number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): Cache {
  const store = openStore(options);
  const { view, dir } = store;
  const folders: Folders = makeFolders(dir);
  const temps = makeTemps(store);

  return {
    look: (relname) => proven(store, lookUp(view, relname, true)),
    peek: (relname) => proven(store, lookUp(view, relname, false)),
    namesHere: (id) => namesHere(view, id),
    seat: (meta) => seatOf(view, meta),
    stands: (seat) => stands(view, seat),
    publishedDigest: (seat) => digestAt(store, seat),
    count: (seat) => countAt(view, seat),
    takeStray: (relname) => takeStray(store, relname, temps.path()),
    inDoubt: () => word(view, HEADER.doubtful) !== 0,
    settle: (relname) => settle(store, relname),
    inspect: (relname) => finishedInTurns(inspect(store, relname)),
    inspectNow: (relname) => finished(inspect(store, relname)),
    pathOf: (relname) => `${dir}/${relname}`,
    tempPath: temps.path,
    openTemp: temps.open,
    nameTemp: temps.name,
    writeTemp: temps.write,
    noteTrouble: temps.noteTrouble,
    yieldRoom: () => yieldRoom(store),
    reserve: (bytes) => reserve(store, bytes),
    publish(reservation, tempPath, meta, { pinned = false, digest } = {}) {
      if (!(reservation instanceof HeldRoom))
        throw new TypeError("not a reservation of this cache");
      return publish(store, folders, { room: reservation, tempPath, meta, pinned, digest });
    },
    pin: (relname) => pin(store, relname),
    unpin: (relname) => unpin(store, relname),
    pinnable: (bytes) => pinFits(view, bytes),
    pinned: () => pinnedNames(store),
    forget: (relname) => forget(store, relname),
    noteUnread: (relname, error) => forgetUnread(store, relname, error),
    list: (from, slotsMax) => listVariants(view, from, slotsMax),
    learn: (relname, facts) => learn(store, relname, facts),
    chargeFiles: (count) => chargeFiles(store, count),
    usage: () => usageOf(store),
    disks: () => [{ dir, state: diskState(view), ...usageOf(store) }],
    close() {
      for (const room of store.rooms) room[Symbol.dispose]();
      store.close();
    },
  };
}

function forgetUnread(store: Store, relname: string, error: unknown): void {
  if (isExhausted(error)) return;
  const failed = error !== undefined && !isMissing(error);
  if (failed) noteUnreadable(store, relname, error);
  // else the disk would be asked for it again
  if (finished(inspect(store, relname)) === "unknown" && failed) forget(store, relname);
}

function forget(store: Store, relname: string): boolean {
  const { view } = store;
  mustLock(store);
  let plan: Plan;
  try {
    const slot = findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
    if (slot < 0) return false;
    const state = stateOf(view, slot);
    if (state === STATE.coming) setSlotOctet(view, slot, OCTET.state, STATE.doomed);
    if (state !== STATE.live) return state === STATE.coming;
    if (isPinned(view, slot) && existsSync(join(store.dir, relname))) return false;
    plan = planLive(store, [slot]);
  } finally {
    unlock(view);
  }
  retire(store, plan);
  return true;
}

function chargeFiles(store: Store, count: number): void {
  const { view } = store;
  mustLock(store);
  addSum(view, SUM.other, count * BLOCK_BYTES);
  const lacking = roomBytes(view) < 0;
  unlock(view);
  if (lacking) takeRoom(store, { bytes: 0, slots: 0 });
}

/** One moment's figures; when the lock cannot be had they may be of several. */
function usageOf(store: Store): CacheUsage {
  const { view } = store;
  const locked = tryLock(store);
  const owed = sum(view, SUM.owed);
  const usage = {
    variants: word(view, HEADER.live),
    bytes: sum(view, SUM.used) - owed + overheadBytes(view),
    pinnedBytes: sum(view, SUM.pinned),
    reservedBytes: sum(view, SUM.reserved),
    capacityBytes: sum(view, SUM.capacity),
    limitBytes: limitBytes(view),
    unwritable: sum(view, SUM.writeFailed) !== 0,
  };
  if (locked) unlock(view);
  return usage;
}
