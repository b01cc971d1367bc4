/** The open-addressed table: probing, taking a slot, freeing it. Writers hold the lock. */

import type { Variant } from "../base/variant.ts";
import { HALF, HEADER, OCTET, PROBES_MAX, STATE, WORD } from "./layout.ts";
import { freeName, namesSlot, writeName } from "./names.ts";
import { addWord, half, homeOf, octet, type View, word, wordOf } from "./view.ts";

/**
 * Distance from home, `from` or more, of the next slot with this key; -1 when there is none.
 * Lock-free: what it finds must be verified, and a key on the move may be missed, which is a miss.
 */
export function probe(view: View, h1: number, h2: number, from: number): number {
  const { words, halves, slots } = view;
  let slot = homeOf(view, h1) + from;
  if (slot >= slots) slot -= slots;
  for (let distance = from; distance < PROBES_MAX; distance++) {
    const at = wordOf(slot);
    if (words[at] === h1 && words[at + 1] === h2) return distance;
    if (halves[at * 2 + HALF.passed] === 0) return -1;
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
  for (let d = probe(view, h1, h2, 0); d >= 0; d = probe(view, h1, h2, d + 1)) {
    const slot = slotAt(view, h1, d);
    if (namesSlot(view, slot, relname)) return slot;
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
  const at = wordOf(slot);
  const { words, halves, octets } = view;
  words[at + WORD.next] = 0;
  words[at + WORD.holder] = worker + 1;
  words[at + WORD.bytesLow] = content.bytes % 2 ** 32;
  octets[at * 4 + OCTET.bytesHigh] = Math.floor(content.bytes / 2 ** 32);
  words[at + WORD.validatorHigh] = content.validatorHigh;
  words[at + WORD.validatorLow] = content.validatorLow;
  words[at + WORD.modified] = content.modified;
  halves[at * 2 + HALF.width] = content.width;
  halves[at * 2 + HALF.height] = content.height;
  octets[at * 4 + OCTET.flags] = content.flags;
  octets[at * 4 + OCTET.freq] = 0;
  octets[at * 4 + OCTET.queue] = 0;
  octets[at * 4 + OCTET.state] = STATE.coming;
  words[at + WORD.h2] = key.h2;
  step(view, at);
  Atomics.store(words, at + WORD.h1, key.h1);
  for (let d = 0; d < distance; d++) pass(view, slotAt(view, key.h1, d), 1);
  addWord(view, HEADER.taken, 1);
  return slot;
}

/** Frees a slot that is in no queue; under the lock. */
export function freeSlot(view: View, slot: number): void {
  const at = wordOf(slot);
  const h1 = word(view, at);
  Atomics.store(view.words, at + WORD.h1, 0);
  step(view, at);
  view.octets[at * 4 + OCTET.state] = STATE.free;
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
  const at = wordOf(slot);
  bump(view, at);
  view.halves[at * 2 + HALF.width] = facts.width;
  view.halves[at * 2 + HALF.height] = facts.height;
  view.octets[at * 4 + OCTET.flags] = facts.flags;
  bump(view, at);
}

export function bytesOf(view: View, slot: number): number {
  const at = wordOf(slot);
  return (word(view, at + WORD.bytesLow) >>> 0) + octet(view, at * 4 + OCTET.bytesHigh) * 2 ** 32;
}

export function stateOf(view: View, slot: number): number {
  return octet(view, wordOf(slot) * 4 + OCTET.state);
}

/** Puts a slot that is in no queue into a state, held by `holder` (a thread's number + 1, or 0). */
export function holdSlot(view: View, slot: number, state: number, holder: number): void {
  const at = wordOf(slot);
  view.words[at + WORD.holder] = holder;
  view.octets[at * 4 + OCTET.state] = state;
}

function freeDistance(view: View, h1: number): number {
  for (let d = 0; d < PROBES_MAX && d < view.slots; d++) {
    if (word(view, wordOf(slotAt(view, h1, d))) === 0) return d;
  }
  return -1;
}

function pass(view: View, slot: number, amount: number): void {
  const at = wordOf(slot) * 2 + HALF.passed;
  view.halves[at] = half(view, at) + amount;
}

/** Next even version: the content behind it changed as a whole. */
function step(view: View, at: number): void {
  const version = half(view, at * 2 + HALF.version);
  Atomics.store(view.halves, at * 2 + HALF.version, ((version | 1) + 1) & 0xffff);
}

/** Even to odd before a rewrite in place, odd to even after it. */
function bump(view: View, at: number): void {
  const version = half(view, at * 2 + HALF.version);
  Atomics.store(view.halves, at * 2 + HALF.version, (version + 1) & 0xffff);
}
