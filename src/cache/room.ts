/**
 * Making room: victims are chosen under the lock, their files unlinked outside it, and their slots freed
 * under it again. In between they are dying: a hit misses them and nobody publishes under their name.
 */

import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { removeEmptyFolders } from "./folders.ts";
import { forgetRecord } from "./journal.ts";
import { HEADER, STATE, SUM, WORD } from "./layout.ts";
import {
  type Amount,
  accounted,
  addOwed,
  addReserved,
  chargeJournal,
  couldFit,
  roomBytes,
  roomSlots,
} from "./ledger.ts";
import { mustLock, tryLock, unlock } from "./lock.ts";
import { cellsFree, cellsOf, nameOf } from "./names.ts";
import { removeLive } from "./pins.ts";
import { bytesOf, freeSlot, holdSlot } from "./slots.ts";
import { errnoOf, type Store } from "./store.ts";
import { callForRoom } from "./thirst.ts";
import { noteTrouble } from "./trouble.ts";
import { addSum, addWord, setSlotWord, slotWord, type View, word } from "./view.ts";

interface Victim {
  readonly slot: number;
  readonly relname: string;
  /** Accounted. */
  readonly bytes: number;
  /** Left behind by a dead worker or a failed unlink: already told of. */
  readonly orphan: boolean;
}

/** What one turn under the lock decided. */
export interface Plan {
  readonly victims: Victim[];
  readonly records: string[];
  /** Journal file the records belong into. */
  journal: number;
  /** What was reserved, if it could be. */
  taken: Amount | undefined;
  /** The part of it that waits for the victims. */
  owed: Amount;
}

const NOTHING: Amount = { bytes: 0, slots: 0 };
/** Orphans looked after by one reservation. */
const ORPHANS_MAX = 16;
/** Variants evicted for one long id; those that have a short one give nothing. */
const CELL_VICTIMS_MAX = 64;

/**
 * Reserves room for this worker, evicting as needed; false when it cannot be had. One call evicts at most
 * LIMITS.cacheVictimsMax variants; the room they leave is there for the next try.
 */
export function takeRoom(store: Store, want: Amount): boolean {
  if (!tryLock(store)) return false;
  const plan = emptyPlan(store.view);
  try {
    choose(store, want, plan);
  } finally {
    unlock(store.view);
  }
  callForRoom(store.view);
  if (plan.victims.length === 0) return plan.taken !== undefined;
  store.counters.add("evicted", plan.victims.filter((v) => !v.orphan).length);
  return retire(store, plan);
}

/**
 * Makes room for the rest of a long id, evicting at most CELL_VICTIMS_MAX variants. What it frees is not
 * reserved: another worker may take it first.
 */
export function makeCells(store: Store, cells: number): void {
  const { view, eviction } = store;
  mustLock(store);
  const plan = emptyPlan(view);
  for (let found = cellsFree(view); found < cells && plan.victims.length < CELL_VICTIMS_MAX; ) {
    const slot = eviction.victim();
    if (slot < 0) break;
    found += cellsOf(view, slot).length;
    evict(store, slot, plan);
  }
  unlock(view);
  store.counters.add("evicted", plan.victims.length);
  if (plan.victims.length > 0) retire(store, plan);
}

/**
 * Evicts until so much is free, at most `victimsMax` variants; how many went. Nothing is reserved. None go while the lock
 * is not to be had.
 */
export function freeRoom(store: Store, want: Amount, victimsMax: number): number {
  const { view, eviction } = store;
  if (!tryLock(store)) return 0;
  const plan = emptyPlan(view);
  try {
    let mine = NOTHING;
    while (!covers(mine, shortOf(view, want)) && plan.victims.length < victimsMax) {
      const slot = eviction.victim();
      if (slot < 0) break;
      evict(store, slot, plan);
      mine = { bytes: mine.bytes + accounted(bytesOf(view, slot)), slots: mine.slots + 1 };
    }
  } finally {
    unlock(view);
  }
  store.counters.add("evicted", plan.victims.length);
  if (plan.victims.length > 0) retire(store, plan);
  return plan.victims.length;
}

export function giveRoom(store: Store, amount: Amount): void {
  mustLock(store);
  try {
    addReserved(store.view, store.worker, amount, -1);
  } finally {
    unlock(store.view);
  }
}

/** Makes live slots dying that no policy chose, under the lock; `retire` does the rest without it. */
export function planLive(store: Store, slots: readonly number[]): Plan {
  const plan = emptyPlan(store.view);
  for (const slot of slots) {
    removeLive(store.view, store.eviction, slot);
    uncountLive(store.view, slot);
    doom(store, slot, plan);
  }
  return plan;
}

/** The same for a slot in no queue. */
export function planOne(store: Store, slot: number): Plan {
  const plan = emptyPlan(store.view);
  doom(store, slot, plan);
  return plan;
}

/** A live slot leaves the counts of live ones; it must have left its queue. Under the lock. */
export function uncountLive(view: View, slot: number): void {
  addSum(view, SUM.live, -accounted(bytesOf(view, slot)));
  addWord(view, HEADER.live, -1);
}

/** Puts a dying slot where the next reservation finds it. Under the lock. */
export function addOrphan(view: View, slot: number): void {
  setSlotWord(view, slot, WORD.next, word(view, HEADER.orphans));
  holdSlot(view, slot, STATE.dying, 0);
  view.words[HEADER.orphans] = slot + 1;
}

function emptyPlan(view: View): Plan {
  const journal = word(view, HEADER.journal);
  return { victims: [], records: [], journal, taken: undefined, owed: NOTHING };
}

function choose(store: Store, want: Amount, plan: Plan): void {
  const { view, eviction } = store;
  adoptOrphans(store, plan);
  let mine = amountOf(plan);
  if (!couldFit(view, { bytes: want.bytes - mine.bytes, slots: want.slots - mine.slots })) return;
  while (!covers(mine, shortOf(view, want)) && plan.victims.length < LIMITS.cacheVictimsMax) {
    const slot = eviction.victim();
    if (slot < 0) break;
    evict(store, slot, plan);
    mine = { bytes: mine.bytes + accounted(bytesOf(view, slot)), slots: mine.slots + 1 };
  }
  const short = shortOf(view, want);
  if (!covers(mine, short)) return;
  addReserved(view, store.worker, want, 1);
  addOwed(view, store.worker, short, 1);
  plan.taken = want;
  plan.owed = short;
}

/** A victim of the policy, which has taken it out of its queue. */
function evict(store: Store, slot: number, plan: Plan): void {
  uncountLive(store.view, slot);
  addSum(store.view, SUM.evicted, 1);
  doom(store, slot, plan);
}

function doom(store: Store, slot: number, plan: Plan): void {
  const { view } = store;
  holdSlot(view, slot, STATE.dying, store.worker + 1);
  const relname = nameOf(view, slot);
  const text = forgetRecord(relname);
  plan.victims.push({ slot, relname, bytes: accounted(bytesOf(view, slot)), orphan: false });
  plan.records.push(text);
  plan.journal = chargeJournal(view, text.length);
}

function adoptOrphans(store: Store, plan: Plan): void {
  const { view } = store;
  for (let i = 0; i < ORPHANS_MAX; i++) {
    const slot = word(view, HEADER.orphans) - 1;
    if (slot < 0) return;
    view.words[HEADER.orphans] = slotWord(view, slot, WORD.next);
    holdSlot(view, slot, STATE.dying, store.worker + 1);
    const bytes = accounted(bytesOf(view, slot));
    plan.victims.push({ slot, relname: nameOf(view, slot), bytes, orphan: true });
  }
}

function amountOf(plan: Plan): Amount {
  return {
    bytes: plan.victims.reduce((total, v) => total + v.bytes, 0),
    slots: plan.victims.length,
  };
}

function shortOf(view: View, want: Amount): Amount {
  return {
    bytes: Math.max(0, want.bytes - roomBytes(view)),
    slots: Math.max(0, want.slots - roomSlots(view)),
  };
}

function covers(have: Amount, need: Amount): boolean {
  return have.bytes >= need.bytes && have.slots >= need.slots;
}

/** Unlinks the victims and frees their slots; whether the plan's reservation stands. */
export function retire(store: Store, plan: Plan): boolean {
  const { view } = store;
  tell(store, plan);
  const stuck = new Set(plan.victims.filter((victim) => !removeFile(store, victim)));
  mustLock(store);
  try {
    for (const victim of plan.victims) {
      if (stuck.has(victim)) addOrphan(view, victim.slot);
      else dropSlot(view, victim.slot, victim.bytes);
    }
    addOwed(view, store.worker, plan.owed, -1);
    if (plan.taken === undefined) return false;
    if (stuck.size === 0 || (roomBytes(view) >= 0 && roomSlots(view) >= 0)) return true;
    addReserved(view, store.worker, plan.taken, -1);
    return false;
  } finally {
    unlock(view);
  }
}

/** Frees a slot in no queue whose file is gone; under the lock. */
export function dropSlot(view: View, slot: number, accountedBytes: number): void {
  freeSlot(view, slot);
  addSum(view, SUM.used, -accountedBytes);
}

/** A record that cannot be written is only logged: without its file it is dropped at restore. */
function tell(store: Store, plan: Plan): void {
  // before this run has a journal there is none to tell
  if (plan.records.length === 0 || plan.journal === 0) return;
  try {
    store.journal.append(plan.journal, plan.records);
  } catch (error) {
    store.log.error("cache.journal_failed", {
      error,
      dir: store.dir,
      effect: "evictions not recorded",
    });
  }
}

/** Whether the file is gone now. */
function removeFile(store: Store, victim: Victim): boolean {
  try {
    unlinkSync(join(store.dir, victim.relname));
    removeEmptyFolders(store.dir, victim.relname);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return true;
    if (!victim.orphan) {
      noteTrouble(store, "cache.unlink_failed", {
        error,
        relname: victim.relname,
        effect: "its bytes stay in use",
      });
    }
    return false;
  }
}
