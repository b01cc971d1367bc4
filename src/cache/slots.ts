/** The open-addressed table: probing, taking a slot, freeing it. Writers hold the lock. */

import type { Variant } from "../base/variant.ts";
import { readKey } from "./key.ts";
import { FLAG, HALF, HEADER, OCTET, PROBES_MAX, STATE, WORD } from "./layout.ts";
import { freeName, hasKey, pasteCells, writeName } from "./names.ts";
import {
  addWord,
  homeOf,
  regionOf,
  SLOT_WORDS,
  setSlotHalf,
  setSlotOctet,
  setSlotWord,
  slotHalf,
  slotOctet,
  slotWord,
  type View,
  wordIn,
} from "./view.ts";

/**
 * Distance from home, `from` or more, of the next slot with this key; -1 when there is none.
 * Lock-free: what it finds must be verified, and a key on the move may be missed, which is a miss.
 */
export function probe(view: View, h1: number, h2: number, from: number): number {
  const { regions, regionBits, regionMask, slots } = view;
  let slot = homeOf(view, h1) + from;
  if (slot >= slots) slot -= slots;
  for (let distance = from; distance < PROBES_MAX; distance++) {
    const region = regions[slot >>> regionBits];
    if (region === undefined) return -1;
    const at = (slot & regionMask) * SLOT_WORDS;
    if (region.words[at] === h1 && region.words[at + 1] === h2) return distance;
    if (region.halves[at * 2 + HALF.passed] === 0) return -1;
    if (++slot === slots) slot = 0;
  }
  return -1;
}

export function slotAt(view: View, h1: number, distance: number): number {
  const slot = homeOf(view, h1) + distance;
  return slot >= view.slots ? slot - view.slots : slot;
}

/** The slot taken by a relname in whatever state, or -1; exact under the lock. */
export function findSlot(view: View, h1: number, h2: number, relname: string): number {
  if (!readKey(view, relname)) return -1;
  for (let d = probe(view, h1, h2, 0); d >= 0; d = probe(view, h1, h2, d + 1)) {
    const slot = slotAt(view, h1, d);
    if (hasKey(view, slot)) return slot;
  }
  return -1;
}

/** What is written into a slot beside its name. */
export interface SlotContent {
  readonly bytes: number;
  readonly validatorHigh: number;
  readonly validatorLow: number;
  readonly modified: number;
  readonly width: number;
  readonly height: number;
  /** As FLAG lays them out. */
  readonly flags: number;
}

/**
 * Takes the first free slot of a key that has none, in state `coming` and held by `worker`.
 * -1 when there is none near enough, the arena is full or the size is not of this topology.
 * Under the lock. The key is written last, so a reader or `repair` never sees half a slot.
 */
export function takeSlot(
  view: View,
  key: { readonly h1: number; readonly h2: number; readonly variant: Variant },
  content: SlotContent,
  worker: number,
): number {
  const distance = freeDistance(view, key.h1);
  if (distance < 0) return -1;
  const slot = slotAt(view, key.h1, distance);
  if (!writeName(view, slot, key.variant)) return -1;
  setSlotWord(view, slot, WORD.next, 0);
  setSlotWord(view, slot, WORD.holder, worker + 1);
  setSlotWord(view, slot, WORD.bytesLow, content.bytes % 2 ** 32);
  setSlotOctet(view, slot, OCTET.bytesHigh, Math.floor(content.bytes / 2 ** 32));
  setSlotWord(view, slot, WORD.validatorHigh, content.validatorHigh);
  setSlotWord(view, slot, WORD.validatorLow, content.validatorLow);
  setSlotWord(view, slot, WORD.modified, content.modified);
  setSlotHalf(view, slot, HALF.width, content.width);
  setSlotHalf(view, slot, HALF.height, content.height);
  setSlotOctet(view, slot, OCTET.flags, content.flags);
  setSlotOctet(view, slot, OCTET.freq, 0);
  setSlotOctet(view, slot, OCTET.queue, 0);
  setSlotOctet(view, slot, OCTET.state, STATE.coming);
  setSlotWord(view, slot, WORD.h2, key.h2);
  step(view, slot);
  Atomics.store(regionOf(view, slot).words, wordIn(view, slot) + WORD.h1, key.h1);
  for (let d = 0; d < distance; d++) pass(view, slotAt(view, key.h1, d), 1);
  addWord(view, HEADER.taken, 1);
  return slot;
}

/**
 * Takes a slot for one that was copied, words and cells, from a table with the same seeds; live, in no queue.
 * -1 when there is no place for it. Under the lock.
 */
export function pasteSlot(
  view: View,
  copy: { readonly words: Int32Array; readonly at: number; readonly cells: number },
): number {
  const from = copy.words;
  const h1 = from[copy.at + WORD.h1] ?? 0;
  const distance = freeDistance(view, h1);
  if (distance < 0) return -1;
  const chain = pasteCells(view, from, copy.at + SLOT_WORDS, copy.cells);
  if (chain === undefined) return -1;
  const slot = slotAt(view, h1, distance);
  const at = wordIn(view, slot);
  const { words, halves } = regionOf(view, slot);
  const passed = halves[at * 2 + HALF.passed] ?? 0;
  const version = halves[at * 2 + HALF.version] ?? 0;
  for (let i = WORD.h2; i < SLOT_WORDS; i++) words[at + i] = from[copy.at + i] ?? 0;
  if (copy.cells > 0) words[at + WORD.cell] = chain;
  halves[at * 2 + HALF.passed] = passed;
  halves[at * 2 + HALF.version] = version;
  setSlotOctet(view, slot, OCTET.state, STATE.live);
  step(view, slot);
  Atomics.store(words, at + WORD.h1, h1);
  for (let d = 0; d < distance; d++) pass(view, slotAt(view, h1, d), 1);
  addWord(view, HEADER.taken, 1);
  return slot;
}

/** Frees a slot that is in no queue; under the lock. */
export function freeSlot(view: View, slot: number): void {
  const h1 = slotWord(view, slot, WORD.h1);
  Atomics.store(regionOf(view, slot).words, wordIn(view, slot) + WORD.h1, 0);
  step(view, slot);
  setSlotOctet(view, slot, OCTET.state, STATE.free);
  freeName(view, slot);
  for (let d = 0; slotAt(view, h1, d) !== slot; d++) pass(view, slotAt(view, h1, d), -1);
  addWord(view, HEADER.taken, -1);
}

/** Rewrites the facts of a live slot so that a reader sees the old ones, the new ones, or looks again. */
export function writeFacts(
  view: View,
  slot: number,
  facts: { readonly width: number; readonly height: number; readonly flags: number },
): void {
  bump(view, slot);
  setSlotHalf(view, slot, HALF.width, facts.width);
  setSlotHalf(view, slot, HALF.height, facts.height);
  const doubt = slotOctet(view, slot, OCTET.flags) & FLAG.doubtful;
  setSlotOctet(view, slot, OCTET.flags, (facts.flags & ~FLAG.doubtful) | doubt);
  bump(view, slot);
}

/** Whether its file has to be looked at before it is served. */
export function isDoubtful(view: View, slot: number): boolean {
  return (slotOctet(view, slot, OCTET.flags) & FLAG.doubtful) !== 0;
}

/** Under the lock, or before workers run. */
export function setDoubtful(view: View, slot: number, doubtful: boolean): void {
  const flags = slotOctet(view, slot, OCTET.flags) & ~FLAG.doubtful;
  setSlotOctet(view, slot, OCTET.flags, doubtful ? flags | FLAG.doubtful : flags);
  if (doubtful) view.words[HEADER.doubtful] = 1;
}

export function bytesOf(view: View, slot: number): number {
  const low = slotWord(view, slot, WORD.bytesLow) >>> 0;
  return low + slotOctet(view, slot, OCTET.bytesHigh) * 2 ** 32;
}

export function stateOf(view: View, slot: number): number {
  return slotOctet(view, slot, OCTET.state);
}

/** Puts a slot that is in no queue into a state, held by `holder` (a thread's number + 1, or 0). */
export function holdSlot(view: View, slot: number, state: number, holder: number): void {
  setSlotWord(view, slot, WORD.holder, holder);
  setSlotOctet(view, slot, OCTET.state, state);
}

function freeDistance(view: View, h1: number): number {
  for (let d = 0; d < PROBES_MAX && d < view.slots; d++) {
    if (slotWord(view, slotAt(view, h1, d), WORD.h1) === 0) return d;
  }
  return -1;
}

function pass(view: View, slot: number, amount: number): void {
  setSlotHalf(view, slot, HALF.passed, slotHalf(view, slot, HALF.passed) + amount);
}

/** Next even version: the content behind it changed as a whole. */
function step(view: View, slot: number): void {
  storeVersion(view, slot, (slotHalf(view, slot, HALF.version) | 1) + 1);
}

/** Even to odd before a rewrite in place, odd to even after it. */
function bump(view: View, slot: number): void {
  storeVersion(view, slot, slotHalf(view, slot, HALF.version) + 1);
}

function storeVersion(view: View, slot: number, version: number): void {
  const at = wordIn(view, slot) * 2 + HALF.version;
  Atomics.store(regionOf(view, slot).halves, at, version & 0xffff);
}
