/** Brings index and directory together after a start, in the background: what one of them does not know goes from the other. */

import { lstatSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, isMissing } from "../base/errno.ts";
import { finished } from "./file-digest.ts";
import { inspect, type Verdict } from "./inspect.ts";
import { STATE, WORD } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import { nameOf } from "./names.ts";
import { type Reservation, reserve } from "./reservation.ts";
import { type Foreign, relnamesIn } from "./scan.ts";
import { bytesOf, findSlot, stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { firstHash, secondHash, slotWord, type View } from "./view.ts";

export interface Reconciled {
  /** Records without their file. */
  readonly dropped: number;
  /** Files of another length than they had. */
  readonly damaged: number;
  /** Files without a record, unlinked. */
  readonly unlinked: number;
  /** Files without a record that `spare` has kept. */
  readonly spared: number;
}

/** Files looked at between two steps. */
const FILES_PER_STEP = 32;

/**
 * Yields between steps; the time is that of a stat for each variant, and one walk of the tree. Foreign files are left
 * alone. `spare` says of a file without a record that it stays where it is for now.
 */
export function* reconcile(
  store: Store,
  spare: (relname: string) => boolean = () => false,
): Generator<void, Reconciled> {
  const slots = yield* checkSlots(store);
  const files = yield* checkFiles(store, spare);
  const found = { ...slots, ...files };
  if (found.dropped + found.damaged + found.unlinked + found.spared > 0) {
    store.log.info("cache.reconciled", { dir: store.dir, ...found });
  }
  return found;
}

function* checkSlots(store: Store): Generator<void, { dropped: number; damaged: number }> {
  const { view } = store;
  let dropped = 0;
  let damaged = 0;
  let looked = 0;
  for (let slot = 0; slot < view.slots; slot++) {
    if (!isLive(view, slot)) continue;
    if (++looked % FILES_PER_STEP === 0) yield;
    const relname = nameOf(view, slot);
    const verdict = checkLength(store, slot, relname);
    if (verdict === "gone") dropped++;
    if (verdict === "damaged") damaged++;
  }
  return { dropped, damaged };
}

/** One stat; only when it tells of trouble the file is looked at more closely. */
function checkLength(store: Store, slot: number, relname: string): Verdict {
  const { view } = store;
  const stat = lstatSync(join(store.dir, relname), { throwIfNoEntry: false });
  if (stat?.isFile() === true && stat.size === bytesOf(view, slot)) return "sound";
  return finished(inspect(store, relname));
}

function* checkFiles(
  store: Store,
  spare: (relname: string) => boolean,
): Generator<void, { unlinked: number; spared: number }> {
  const { dir, log } = store;
  const foreign: Foreign = { count: 0, example: undefined };
  let unlinked = 0;
  let spared = 0;
  let looked = 0;
  for (const relname of relnamesIn(dir, foreign)) {
    if (++looked % FILES_PER_STEP === 0) yield;
    if (isKnown(store, relname)) continue;
    if (spare(relname)) spared++;
    else if (unlinkStray(store, relname)) unlinked++;
  }
  if (foreign.count > 0) {
    const { count, example } = foreign;
    const effect = "left alone and not accounted";
    log.warn("cache.foreign_files", { dir, count, example, effect });
  }
  return { unlinked, spared };
}

function isKnown({ view }: Store, relname: string): boolean {
  return findSlot(view, firstHash(view, relname), secondHash(view, relname), relname) >= 0;
}

/** Under the lock: whoever publishes under that name has to enter it there first. */
function unlinkStray(store: Store, relname: string): boolean {
  mustLock(store);
  try {
    if (isKnown(store, relname)) return false;
    unlinkSync(join(store.dir, relname));
    return true;
  } catch (error) {
    if (!isMissing(error)) tellStuck(store, relname, error);
    return false;
  } finally {
    unlock(store.view);
  }
}

export interface Stray {
  /** To be published or removed by whoever took it. */
  readonly path: string;
  readonly room: Reservation | undefined;
}

/** The same with a rename to a temporary file. */
export function takeStray(store: Store, relname: string, path: string): Stray | undefined {
  if (!moveStray(store, relname, path)) return undefined;
  const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return { path, room: reserve(store, size) };
}

function moveStray(store: Store, relname: string, path: string): boolean {
  mustLock(store);
  try {
    if (isKnown(store, relname)) return false;
    renameSync(join(store.dir, relname), path);
    return true;
  } catch (error) {
    if (!isMissing(error)) tellStuck(store, relname, error);
    return false;
  } finally {
    unlock(store.view);
  }
}

function tellStuck({ log, dir }: Store, relname: string, error: unknown): void {
  const effect = "it stays where it is, and takes room that nobody accounts for";
  log.warn("cache.stray_stuck", { dir, relname, code: errnoOf(error), effect });
}

function isLive(view: View, slot: number): boolean {
  return slotWord(view, slot, WORD.h1) !== 0 && stateOf(view, slot) === STATE.live;
}
