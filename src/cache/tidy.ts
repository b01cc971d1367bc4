/** Main's upkeep of the journal while workers run: a long one is replaced by what is true now. */

import { closeSync, openSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import { recordOf, snapshotPath, WRITE_CHARS, writeAll } from "./compact.ts";
import { journalNumbers, journalPath } from "./journal.ts";
import { HEADER, STATE, SUM, WORD } from "./layout.ts";
import { accounted, addReserved } from "./ledger.ts";
import { mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { NO_COUNTERS, openStore } from "./open-store.ts";
import { type HeldRoom, reserve } from "./reservation.ts";
import { stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { addSum, slotWord, sum, word } from "./view.ts";

/** Slots looked at in one turn under the lock. */
const SLOTS_PER_TURN = 64;
/** Turns after which the event loop gets its turn. */
const TURNS_PER_YIELD = 64;
/** Bytes of a typical record; a journal is long when it has four times as many as its live variants need. */
const RECORD_BYTES = 128;
const LONG_FACTOR = 4;
/** Of a small cache the journal may take this share before it counts as long. */
const IDLE_SHARE = 1 / 16;

/**
 * Bounds the journal. It is long when it has over `idleBytes`, or over a sixteenth of a small capacity, and
 * four times what it has to say. Then it goes on in a new file and a snapshot takes the place of the old
 * ones; records since lie in the new file, so a snapshot taken bit by bit is enough. True when that was
 * done; false when there was no need or no room. For main, one call at a time, every minute or so: until
 * then the journal takes its room from the variants. Order inside the queues is not kept.
 */
export async function tidyJournal(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly idleBytes?: number;
}): Promise<boolean> {
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  if (!isLong(store, options.idleBytes ?? LIMITS.journalIdleBytes)) return false;
  const next = turnOver(store);
  // when the journal itself has eaten the room, a snapshot a quarter of its size is the way out
  using room = reserve(store, 0);
  const path = snapshotPath(store.dir, next - 1);
  try {
    const bytes = await writeSnapshot(store, path, room, next);
    if (bytes === undefined) return false;
    renameSync(path, journalPath(store.dir, next - 1));
    settle(store, room, bytes, next);
    return true;
  } catch (error) {
    store.log.error("cache.tidy_failed", {
      error,
      dir: store.dir,
      effect: "the journal stays long",
    });
    return false;
  } finally {
    removeIfThere(path);
    store.journal.close();
  }
}

function isLong(store: Store, idleBytes: number): boolean {
  const { view } = store;
  const bytes = sum(view, SUM.journal) + sum(view, SUM.oldJournals);
  const needed = word(view, HEADER.live) * RECORD_BYTES;
  const idle = Math.min(idleBytes, sum(view, SUM.capacity) * IDLE_SHARE);
  return bytes > Math.max(idle, needed * LONG_FACTOR);
}

/** New records go to a new file from here on; its number. The one before it is for the snapshot. */
function turnOver(store: Store): number {
  const { view, dir } = store;
  const next = word(view, HEADER.journal) + 2;
  writeFileSync(journalPath(dir, next), "", { mode: 0o600 });
  mustLock(store);
  addSum(view, SUM.oldJournals, accounted(sum(view, SUM.journal)));
  view.sums[SUM.journal] = 0;
  view.words[HEADER.journal] = next;
  unlock(view);
  return next;
}

/** Bytes written; undefined when room ran out or somebody else replaced the journals meanwhile. */
async function writeSnapshot(
  store: Store,
  path: string,
  room: HeldRoom | undefined,
  next: number,
): Promise<number | undefined> {
  const { view } = store;
  const fd = openSync(path, "w", 0o600);
  let bytes = 0;
  let text = "";
  try {
    for (let slot = 0, turns = 0; slot < view.slots; slot += SLOTS_PER_TURN) {
      text += recordsOf(store, slot, Math.min(view.slots, slot + SLOTS_PER_TURN));
      const last = slot + SLOTS_PER_TURN >= view.slots;
      if (text.length >= WRITE_CHARS || last) {
        if (room !== undefined && !room.grow(text.length)) return undefined;
        bytes += writeAll(fd, text);
        text = "";
      }
      if (++turns % TURNS_PER_YIELD === 0) await new Promise((resolve) => setImmediate(resolve));
      if (word(view, HEADER.journal) !== next) return undefined;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

/** Those that are coming count: their record may be in a file that goes. Those that are dying do not. */
function recordsOf(store: Store, from: number, to: number): string {
  const { view } = store;
  let text = "";
  mustLock(store);
  for (let slot = from; slot < to; slot++) {
    if (slotWord(view, slot, WORD.h1) === 0) continue;
    const state = stateOf(view, slot);
    if (state === STATE.live || state === STATE.coming) text += recordOf(view, slot, store.purged);
  }
  unlock(view);
  return text;
}

/** Removes the files the snapshot replaces, then accounts it in their place. */
function settle(store: Store, room: HeldRoom | undefined, bytes: number, next: number): void {
  const { view, dir } = store;
  const old = journalNumbers(dir).filter((number) => number < next - 1);
  for (const number of old) unlinkSync(journalPath(dir, number));
  const amount = room?.amount;
  mustLock(store);
  if (amount !== undefined) addReserved(view, store.worker, amount, -1);
  view.sums[SUM.oldJournals] = accounted(bytes);
  unlock(view);
  room?.spend();
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // renamed, as it should be
  }
}
