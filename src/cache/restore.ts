/** Main's part of the cache: bringing the index back at the start, mending it after a thread died. */

import { lstatSync, mkdirSync, readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { isDiskFull } from "../base/errno.ts";
import type { Log } from "../observe/log.ts";
import { replaceJournals } from "./compact.ts";
import { lockDir } from "./dir-lock.ts";
import { yieldRoom } from "./disk.ts";
import { journalNumbers, metaDir } from "./journal.ts";
import { FLAG, HEADER, OCTET, SUM } from "./layout.ts";
import { accounted, overheadBytes, roomBytes } from "./ledger.ts";
import { lockHolder, mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { nameOf } from "./names.ts";
import { NO_COUNTERS, openStore } from "./open-store.ts";
import { type PinnedFile, pinAll, takeInPinned } from "./pinned-files.ts";
import { openPurged } from "./purged.ts";
import { headOf, nextOf, QUEUES } from "./queues.ts";
import { rebuild, takeBack } from "./rebuild.ts";
import { dropLive, replay } from "./replay.ts";
import { giveRoom, takeRoom } from "./room.ts";
import { makeS3Fifo } from "./s3-fifo.ts";
import { type Foreign, relnamesIn } from "./scan.ts";
import { bytesOf, findSlot } from "./slots.ts";
import type { Store } from "./store.ts";
import { openTombstones, type Tombstones } from "./tombstones.ts";
import { firstHash, openView, secondHash, setSlotOctet, slotOctet, sum, word } from "./view.ts";

const JOURNAL_TRIES = 4;
/** Made free for the journal before it is tried again: at least so much, and so much a variant. */
const JOURNAL_ROOM_BYTES = 1 << 20;
const JOURNAL_ROOM_SHARE = 256;

export interface Restored extends Disposable {
  readonly variants: number;
  /** Accounted, as in `Cache.usage`. */
  readonly bytes: number;
  /** Records without their file, or for which the index has no place. */
  readonly dropped: number;
  /** Files without a record, unlinked. */
  readonly unlinked: number;
  /** Journal lines that were no records. */
  readonly garbage: number;
  /** Relnames that were to be pinned and whose file is gone or damaged. */
  readonly lost: readonly string[];
  /** What was purged or blocked; for main. */
  readonly tombstones: Tombstones;
}

/**
 * Before any worker thread runs. Takes the directory for this node until the result is disposed or the
 * process ends, throwing a Fault when another node has it. Afterwards index and directory agree: what has
 * no record is unlinked, what has no file or another length is dropped, and what exceeds the capacity is
 * evicted. Foreign files are left alone. The time is that of one stat a file.
 *
 * What `pinned` names, asked once the directory is ours, is pinned whatever its share of the capacity. Its file
 * needs no record in the journal: one with the right bytes is taken in as it is described.
 */
export function restoreCache(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly pinned?: () => readonly PinnedFile[];
}): Restored {
  const { dir, log, clock } = options;
  const startMs = clock.monotonicMs();
  mkdirSync(metaDir(dir), { recursive: true, mode: 0o700 });
  using opened = new DisposableStack();
  opened.use(lockDir(dir));
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  emptyTemps(dir);
  const tombstones = openTombstones(options);
  const replayed = replay(store, journalNumbers(dir));
  const pins = new Map((options.pinned?.() ?? []).map((file) => [file.relname, file]));
  const found = matchFiles(store, pins);
  const dropped = replayed.dropped + dropUnseen(store);
  const lost = pinAll(store, pins);
  startJournalInRoom(store);
  fitCapacity(store);
  store.journal.close();
  const { view } = store;
  const counts = { dropped, unlinked: found.unlinked, garbage: replayed.garbage };
  const pinned = pins.size - lost.length;
  const variants = word(view, HEADER.live);
  const bytes = sum(view, SUM.used) + overheadBytes(view);
  log.info("cache.restored", {
    variants,
    ...counts,
    pinned,
    ms: Math.round(clock.monotonicMs() - startMs),
  });
  const lock = opened.move();
  return { variants, bytes, ...counts, lost, tombstones, [Symbol.dispose]: () => lock.dispose() };
}

/**
 * After a worker thread died, before another takes its number: takes back what it had reserved and was
 * working on, and its temporary files when `dir` is given. True when it died holding the lock, so that the
 * index had to be rebuilt; the order inside the queues is lost then.
 */
export function repairIndex(memory: CacheMemory, worker: number, dir?: string): boolean {
  const view = openView(memory);
  const held = lockHolder(view) === worker;
  if (!held) mustLock({ view, worker: 0, clock: systemClock });
  try {
    if (held) rebuild(view, makeS3Fifo(view), worker);
    else takeBack(view, worker);
  } finally {
    unlock(view);
  }
  if (dir !== undefined) removeTemps(dir, (name) => name.startsWith(`${worker}-`));
  return held;
}

/**
 * At a clean stop, once the workers are gone: leaves the order of the queues and the hits in the journal,
 * so that the next start evicts as this run would have.
 */
export function saveCache(memory: CacheMemory, dir: string): void {
  const view = openView(memory);
  mustLock({ view, worker: 0, clock: systemClock });
  try {
    replaceJournals(view, dir, openPurged(memory, systemClock));
  } finally {
    unlock(view);
  }
}

function emptyTemps(dir: string): void {
  mkdirSync(join(metaDir(dir), "tmp"), { recursive: true, mode: 0o700 });
  removeTemps(dir, () => true);
}

function removeTemps(dir: string, wanted: (name: string) => boolean): void {
  const folder = join(metaDir(dir), "tmp");
  for (const name of readdirSync(folder)) {
    if (wanted(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Marks the slots whose file is there with the right length; unlinks files of ours that no slot names. */
function matchFiles(store: Store, pins: ReadonlyMap<string, PinnedFile>): { unlinked: number } {
  const { view, dir } = store;
  const foreign: Foreign = { count: 0, example: undefined };
  let unlinked = 0;
  for (const relname of relnamesIn(dir, foreign)) {
    const path = join(dir, relname);
    const file = pins.get(relname);
    if (file !== undefined) takeInPinned(store, file);
    const slot = findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
    if (slot >= 0 && statSync(path).size === bytesOf(view, slot)) {
      setSlotOctet(view, slot, OCTET.flags, slotOctet(view, slot, OCTET.flags) | FLAG.seen);
    } else {
      unlinkSync(path);
      unlinked++;
    }
  }
  if (foreign.count > 0) {
    const { count, example } = foreign;
    store.log.warn("cache.foreign_files", {
      dir,
      count,
      example,
      effect: "left alone and not accounted",
    });
  }
  return { unlinked };
}

/** Takes the marks off and drops the slots that have none. */
function dropUnseen(store: Store): number {
  const { view } = store;
  let dropped = 0;
  for (const queue of QUEUES) {
    for (let slot = headOf(view, queue), next = -1; slot >= 0; slot = next) {
      next = nextOf(view, slot);
      const flags = slotOctet(view, slot, OCTET.flags);
      setSlotOctet(view, slot, OCTET.flags, flags & ~FLAG.seen);
      if ((flags & FLAG.seen) !== 0) continue;
      store.log.debug("cache.file_missing", { relname: nameOf(view, slot) });
      dropLive(store, slot);
      dropped++;
    }
  }
  return dropped;
}

/** Where the disk is full what is cached makes room for its own journal. */
function startJournalInRoom(store: Store): void {
  for (let tries = JOURNAL_TRIES; ; tries--) {
    try {
      startJournal(store);
      return;
    } catch (error) {
      if (!isDiskFull(error) || tries === 1) throw error;
      const bytes = Math.max(
        JOURNAL_ROOM_BYTES,
        word(store.view, HEADER.live) * JOURNAL_ROOM_SHARE,
      );
      dropSome(store, bytes);
    }
  }
}

/** At least so many bytes, as far as there are as many. */
function dropSome(store: Store, bytes: number): void {
  yieldRoom(store);
  const amount = { bytes: Math.max(0, roomBytes(store.view)) + bytes, slots: 0 };
  if (takeRoom(store, amount)) giveRoom(store, amount);
}

/** Starts the journal of this run and counts what else lies below `.mir`. */
function startJournal(store: Store): void {
  const { view, dir } = store;
  replaceJournals(view, dir, store.purged);
  const journal = `journal.${word(view, HEADER.journal)}`;
  view.sums[SUM.other] = bytesBelow(metaDir(dir), new Set(["tmp", journal]));
}

/** Accounted bytes of the regular files of a folder and its folders. */
function bytesBelow(folder: string, except: ReadonlySet<string>): number {
  let bytes = 0;
  for (const found of readdirSync(folder, { withFileTypes: true })) {
    if (except.has(found.name)) continue;
    const path = join(folder, found.name);
    if (found.isDirectory()) bytes += bytesBelow(path, new Set());
    else if (found.isFile()) bytes += accounted(lstatSync(path).size);
  }
  return bytes;
}

/** The capacity may have been lowered since the last start. */
function fitCapacity(store: Store): void {
  const { view } = store;
  for (let before = -1; roomBytes(view) < 0 && word(view, HEADER.live) !== before; ) {
    before = word(view, HEADER.live);
    takeRoom(store, { bytes: 0, slots: 0 });
  }
  if (roomBytes(view) >= 0) return;
  const capacityBytes = sum(view, SUM.capacity);
  store.log.warn("cache.too_small", {
    dir: store.dir,
    capacityBytes,
    effect: "nothing can be kept",
  });
}
