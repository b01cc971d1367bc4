/**
 * Publishing a finished file: its name is claimed in the index, its record appended to the journal, the file
 * renamed, and only then does the slot become visible. A crash in between leaves no wrong byte behind.
 */

import { statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { syncFile } from "../base/durable.ts";
import { isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import { retryWhenFull } from "./disk.ts";
import { fileDigest, finished } from "./file-digest.ts";
import { type Folders, syncFolders } from "./folders.ts";
import { publishRecord } from "./journal.ts";
import { HEADER, OCTET, STATE, SUM } from "./layout.ts";
import { accounted, addReserved, chargeJournal } from "./ledger.ts";
import { mustLock, tryLock, unlock } from "./lock.ts";
import { type PackedMeta, packMeta } from "./meta.ts";
import { cellsFor, cellsFree } from "./names.ts";
import { isPinned, markPinned, pinFits, readmitLive } from "./pins.ts";
import type { HeldRoom } from "./reservation.ts";
import { dropSlot, makeCells, planOne, retire } from "./room.ts";
import { bytesOf, findSlot, holdSlot, stateOf, takeSlot } from "./slots.ts";
import { errnoOf, type Store } from "./store.ts";
import { noteSuccess, noteTrouble } from "./trouble.ts";
import { addSum, addWord, firstHash, secondHash, setSlotOctet, word } from "./view.ts";

/** Time in which some uploads may have been handed on. */
const PINNED_RETRY_MS = 10_000;

export type Published = "published" | "already" | "refused";

/** A file on its way in. */
interface Arrival {
  readonly meta: VariantMeta;
  readonly packed: PackedMeta;
  readonly h1: number;
  readonly h2: number;
  readonly digest: string;
  readonly record: string;
  readonly room: HeldRoom;
  readonly pinned: boolean;
}

/** A finished temporary file, and what it is to become. */
export interface PublishFile {
  readonly room: HeldRoom;
  readonly tempPath: string;
  readonly meta: VariantMeta;
  /** Durable when published, and pinned from the first moment it is seen. */
  readonly pinned: boolean;
  /** xxHash64 of the file, 16 hex digits; undefined: it is read for that. */
  readonly digest: string | undefined;
}

type Claim =
  | { readonly kind: "claimed"; readonly slot: number; readonly journal: number }
  | { readonly kind: "already" }
  /** The arena has no room for the end of the id. */
  | { readonly kind: "crowded" }
  /** As much is pinned as may be. */
  | { readonly kind: "pinned full" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Whatever it answers, the reservation is spent; unless it is published, the temporary file is gone. Throws
 * `overloaded` when it is to be pinned and too much is.
 */
export function publish(store: Store, folders: Folders, file: PublishFile): Published {
  const { room, tempPath, meta } = file;
  const arrival = prepare(store, file);
  const claim = typeof arrival === "string" ? refused(arrival) : claimTwice(store, arrival);
  if (typeof arrival !== "string" && claim.kind === "claimed") {
    return bringIn(store, folders, tempPath, arrival, claim);
  }
  room.release();
  removeTemp(store, tempPath);
  if (claim.kind === "pinned full") throw pinnedFull();
  if (claim.kind === "refused") refuse(store, meta, claim.reason);
  return claim.kind === "already" ? "already" : "refused";
}

/** Everything that needs no lock, or the reason to refuse. */
function prepare(store: Store, file: PublishFile): Arrival | string {
  const { room, tempPath, meta, pinned } = file;
  if (room.amount === undefined || room.store !== store) return "the reservation was released";
  const packed = packMeta(meta);
  if (typeof packed === "string") return packed;
  const found = sizeOf(tempPath);
  if (found !== meta.bytes) return `the file has ${found} bytes, its meta says ${meta.bytes}`;
  const lacking = accounted(meta.bytes) - room.bytes;
  if (lacking > 0 && !room.grow(lacking)) return "no room for more than was reserved";
  const { validator, relname } = meta;
  // an upload is its own source
  const sourceAt = pinned ? store.clock.wallSeconds() : meta.sourceAt;
  const digest = file.digest ?? digestOfTemp(tempPath, meta.bytes);
  if (digest === undefined) return "the file cannot be read";
  const record = publishRecord({
    ...packed.content,
    ...{ relname, validator, queue: 0, freq: 0, digest, sourceAt },
  });
  const h1 = firstHash(store.view, relname);
  if (pinned && !syncTemp(store, tempPath)) return "the file cannot be made durable";
  return { meta, packed, h1, h2: secondHash(store.view, relname), digest, record, room, pinned };
}

function digestOfTemp(path: string, bytes: number): string | undefined {
  const found = finished(fileDigest(path, bytes));
  return found.kind === "digest" ? found.digest : undefined;
}

/** When only the arena is full, variants are evicted for it and the name is claimed once more. */
function claimTwice(store: Store, arrival: Arrival): Claim {
  const claim = claimName(store, arrival);
  if (claim.kind !== "crowded") return claim;
  makeCells(store, cellsFor(arrival.packed.variant.id.length));
  const again = claimName(store, arrival);
  return again.kind === "crowded" ? refused("the index has no room for so long an id") : again;
}

/** Waits, within its deadline, for another thread that is just publishing or removing the same name. */
function claimName(store: Store, arrival: Arrival): Claim {
  const endMs = store.clock.monotonicMs() + DEADLINES.cacheLockMs;
  for (;;) {
    if (!tryLock(store)) return refused("the index is locked");
    try {
      const slot = findSlot(store.view, arrival.h1, arrival.h2, arrival.meta.relname);
      if (slot < 0) return enter(store, arrival);
      if (stateOf(store.view, slot) === STATE.live) return { kind: "already" };
    } finally {
      unlock(store.view);
    }
    if (store.clock.monotonicMs() >= endMs)
      return refused("the name is being published or removed");
    for (let i = 0; i < 100; i++) Atomics.pause();
  }
}

/** The reservation becomes a slot; under the lock. */
function enter(store: Store, arrival: Arrival): Claim {
  const { view, worker } = store;
  const { packed, room, h1, h2 } = arrival;
  const { amount } = room;
  if (amount === undefined) return refused("the reservation was released");
  if (cellsFor(packed.variant.id.length) > cellsFree(view)) return { kind: "crowded" };
  if (arrival.pinned && !pinFits(view, packed.content.bytes)) return { kind: "pinned full" };
  const slot = takeSlot(view, { h1, h2, variant: packed.variant }, packed.content, worker);
  if (slot < 0) return refused("the index has no place for this name");
  if (arrival.pinned) markPinned(view, slot);
  addReserved(view, worker, amount, -1);
  room.spend();
  addSum(view, SUM.used, accounted(packed.content.bytes));
  return { kind: "claimed", slot, journal: chargeJournal(view, arrival.record.length) };
}

function bringIn(
  store: Store,
  folders: Folders,
  tempPath: string,
  arrival: Arrival,
  claim: { readonly slot: number; readonly journal: number },
): Published {
  const { relname } = arrival.meta;
  let { journal } = claim;
  let moved = false;
  try {
    retryWhenFull(store, () => store.digests.write(claim.slot, arrival.digest));
    journal = retryWhenFull(store, () => record(store, journal, arrival.record));
    if (arrival.pinned) store.journal.sync();
    retryWhenFull(store, () => folders.moveIn(tempPath, relname));
    moved = true;
    if (arrival.pinned) syncFolders(store.dir, relname);
  } catch (error) {
    // whatever lies under the name is ours: it is claimed
    removeTemp(store, moved ? join(store.dir, relname) : tempPath);
    giveUp(store, claim.slot, arrival.packed.content.bytes);
    noteTrouble(store, "cache.publish_failed", { error, relname, effect: "not kept" });
    return "refused";
  }
  noteSuccess(store);
  return show(store, claim.slot, { journal, record: arrival.record }) ? "published" : "refused";
}

/** Into the journal file that was told with the claim, or the one in use when a checkpoint has replaced that; which. */
function record(store: Store, journal: number, text: string): number {
  try {
    store.journal.append(journal, [text]);
    return journal;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  mustLock(store);
  const current = chargeJournal(store.view, text.length);
  unlock(store.view);
  store.journal.append(current, [text]);
  return current;
}

/**
 * Makes the slot visible; false when the name was forgotten meanwhile, then the file is gone again. A checkpoint
 * that has begun since the record was written does not know the slot, so the record is repeated behind it.
 */
function show(
  store: Store,
  slot: number,
  told: { readonly journal: number; readonly record: string },
): boolean {
  const { view } = store;
  mustLock(store);
  const doomed = stateOf(view, slot) === STATE.doomed;
  const plan = doomed ? planOne(store, slot) : undefined;
  if (!doomed) goLive(store, slot);
  const missed = !doomed && word(view, HEADER.journal) !== told.journal;
  const journal = missed ? chargeJournal(view, told.record.length) : told.journal;
  unlock(view);
  if (missed) repeat(store, journal, told.record);
  if (plan !== undefined) retire(store, plan);
  return !doomed;
}

function repeat(store: Store, journal: number, text: string): void {
  try {
    store.journal.append(journal, [text]);
  } catch (error) {
    const effect = "after a crash the file is unlinked";
    store.log.warn("cache.journal_failed", { error, dir: store.dir, effect });
  }
}

/** State first: a slot that is live but in no queue is mended by repair. Under the lock. */
function goLive(store: Store, slot: number): void {
  const { view, eviction } = store;
  const bytes = accounted(bytesOf(view, slot));
  setSlotOctet(view, slot, OCTET.state, STATE.live);
  if (isPinned(view, slot)) readmitLive(view, eviction, slot);
  else eviction.admit(slot);
  addSum(view, SUM.live, bytes);
  addWord(view, HEADER.live, 1);
}

function giveUp(store: Store, slot: number, bytes: number): void {
  mustLock(store);
  try {
    holdSlot(store.view, slot, STATE.dying, store.worker + 1);
    dropSlot(store.view, slot, accounted(bytes));
  } finally {
    unlock(store.view);
  }
}

function syncTemp(store: Store, path: string): boolean {
  try {
    syncFile(path);
    return true;
  } catch (error) {
    noteTrouble(store, "cache.sync_failed", { error, path, effect: "not kept" });
    return false;
  }
}

export function pinnedFull(): Fault {
  return new Fault("overloaded", "too many uploads wait to be handed on", {
    retryAfterMs: PINNED_RETRY_MS,
  });
}

function refused(reason: string): Claim {
  return { kind: "refused", reason };
}

function refuse(store: Store, meta: VariantMeta, reason: string): void {
  store.log.warn("cache.refused", { relname: meta.relname, reason });
}

function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : -1;
}

function removeTemp(store: Store, path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") store.log.warn("cache.temp_stuck", { error, path });
  }
}
