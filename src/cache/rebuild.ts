/** Mending the index after a thread died: the slots are the truth, everything else follows from them. */

import type { Eviction } from "./eviction.ts";
import { HALF, HEADER, ROWS, rowFloat, STATE, SUM, WORD } from "./layout.ts";
import { accounted, clearRow, ROW_FIELDS, sumIndexOf } from "./ledger.ts";
import { cellsOf, freeCell } from "./names.ts";
import { readmitLive, resetPinned } from "./pins.ts";
import { addOrphan } from "./room.ts";
import { bytesOf, stateOf } from "./slots.ts";
import {
  addSum,
  addWord,
  homeOf,
  setSlotHalf,
  slotHalf,
  slotWord,
  sum,
  type View,
  word,
} from "./view.ts";

/**
 * For a thread that died inside the lock. Order inside the queues is lost, nothing else. A writer had either
 * written the key of a slot, and then all of the slot, or not; so a slot with a key is whole. Under the lock.
 * 40 to 50 ms per million variants.
 */
export function rebuild(view: View, eviction: Eviction, dead: number): void {
  eviction.reset();
  resetPinned(view);
  for (const at of [HEADER.live, HEADER.taken, HEADER.orphans]) view.words[at] = 0;
  for (const at of [SUM.used, SUM.live]) view.sums[at] = 0;
  const passed = new Uint16Array(view.slots);
  const cells = new Uint8Array(word(view, HEADER.arenaFresh));
  for (let slot = 0; slot < view.slots; slot++) {
    evenVersion(view, slot);
    if (slotWord(view, slot, WORD.h1) === 0) continue;
    recount(view, eviction, slot, dead);
    countPasses(view, slot, passed);
    for (const cell of cellsOf(view, slot)) cells[cell] = 1;
  }
  for (let slot = 0; slot < view.slots; slot++) writePassed(view, slot, passed[slot] ?? 0);
  rebuildArena(view, cells);
  resumRows(view, dead);
  addWord(view, HEADER.repairs, 1);
}

/** For a thread that died outside the lock: what it was working on and had reserved. Under the lock. */
export function takeBack(view: View, dead: number): void {
  clearRow(view, dead);
  if (word(view, HEADER.taken) === word(view, HEADER.live)) return;
  for (let slot = 0; slot < view.slots; slot++) {
    if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) === STATE.live) continue;
    if (holderOf(view, slot) === dead + 1) addOrphan(view, slot);
  }
}

function recount(view: View, eviction: Eviction, slot: number, dead: number): void {
  const bytes = accounted(bytesOf(view, slot));
  addWord(view, HEADER.taken, 1);
  addSum(view, SUM.used, bytes);
  if (stateOf(view, slot) === STATE.live) {
    readmitLive(view, eviction, slot);
    addWord(view, HEADER.live, 1);
    addSum(view, SUM.live, bytes);
    return;
  }
  const holder = holderOf(view, slot);
  if (holder === dead + 1 || holder === 0) addOrphan(view, slot);
}

function holderOf(view: View, slot: number): number {
  return slotWord(view, slot, WORD.holder);
}

function countPasses(view: View, slot: number, passed: Uint16Array): void {
  for (
    let p = homeOf(view, slotWord(view, slot, WORD.h1));
    p !== slot;
    p = p + 1 === view.slots ? 0 : p + 1
  ) {
    passed[p] = (passed[p] ?? 0) + 1;
  }
}

/** Written once and only where wrong: lock-free readers go on meanwhile. */
function writePassed(view: View, slot: number, passed: number): void {
  if (slotHalf(view, slot, HALF.passed) !== passed) setSlotHalf(view, slot, HALF.passed, passed);
}

function evenVersion(view: View, slot: number): void {
  const version = slotHalf(view, slot, HALF.version);
  if (version % 2 === 1) setSlotHalf(view, slot, HALF.version, (version + 1) & 0xffff);
}

function rebuildArena(view: View, used: Uint8Array): void {
  view.words[HEADER.arenaFree] = 0;
  view.words[HEADER.arenaUsed] = used.reduce((total, one) => total + one, 0);
  for (let cell = used.length - 1; cell >= 0; cell--) {
    if (used[cell] === 0) freeCell(view, cell);
  }
}

function resumRows(view: View, dead: number): void {
  for (const field of ROW_FIELDS) {
    view.sums[rowFloat(dead, field)] = 0;
    let total = 0;
    for (let worker = 0; worker < ROWS; worker++) total += sum(view, rowFloat(worker, field));
    view.sums[sumIndexOf(field)] = total;
  }
}
