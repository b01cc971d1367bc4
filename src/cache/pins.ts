/** Variants that may not be evicted, because this node vouches for them (spec §2 "upload"); under the lock. */

import type { Eviction } from "./eviction.ts";
import { HEADER, OCTET, SUM } from "./layout.ts";
import { accounted } from "./ledger.ts";
import { PINNED, push, queueOf, unlink } from "./queues.ts";
import { bytesOf } from "./slots.ts";
import { addSum, addWord, setSlotOctet, sum, type View, word } from "./view.ts";

/** Above this share of the capacity, in bytes or in slots, nothing more is pinned (spec §2). */
export const PINNED_SHARE_MAX = 0.5;

export function isPinned(view: View, slot: number): boolean {
  return queueOf(view, slot) === PINNED;
}

/** Whether a variant of so many bytes may be pinned beside those that are. */
export function pinFits(view: View, bytes: number): boolean {
  return (
    sum(view, SUM.pinned) + accounted(bytes) <= sum(view, SUM.capacity) * PINNED_SHARE_MAX &&
    word(view, HEADER.pinned) < word(view, HEADER.variantsMax) * PINNED_SHARE_MAX
  );
}

/** A live slot leaves the queues of the policy. */
export function pinLive(view: View, eviction: Eviction, slot: number): void {
  eviction.remove(slot);
  enterPinned(view, slot);
}

/** A pinned slot goes back to the policy, as a newcomer: nobody has counted what it is worth. */
export function unpinLive(view: View, eviction: Eviction, slot: number): void {
  leavePinned(view, slot);
  eviction.admit(slot);
}

/** A live slot in no queue enters the one its queue byte names: the pinned, or one of the policy. */
export function readmitLive(view: View, eviction: Eviction, slot: number): void {
  if (isPinned(view, slot)) enterPinned(view, slot);
  else eviction.readmit(slot);
}

/** A live slot leaves whatever queue it is in. */
export function removeLive(view: View, eviction: Eviction, slot: number): void {
  if (isPinned(view, slot)) leavePinned(view, slot);
  else eviction.remove(slot);
}

/** Marks a slot that is coming: it is pinned from the moment it is seen, even by a repair. */
export function markPinned(view: View, slot: number): void {
  setSlotOctet(view, slot, OCTET.queue, PINNED);
}

/** Before `readmitLive` of every live slot. */
export function resetPinned(view: View): void {
  view.words[HEADER.heads + PINNED] = 0;
  view.words[HEADER.tails + PINNED] = 0;
  view.words[HEADER.pinned] = 0;
  view.sums[SUM.pinned] = 0;
}

function enterPinned(view: View, slot: number): void {
  push(view, PINNED, slot);
  addSum(view, SUM.pinned, accounted(bytesOf(view, slot)));
  addWord(view, HEADER.pinned, 1);
}

function leavePinned(view: View, slot: number): void {
  unlink(view, slot);
  // before another queue takes it, or a repair would find it pinned
  setSlotOctet(view, slot, OCTET.queue, 0);
  addSum(view, SUM.pinned, -accounted(bytesOf(view, slot)));
  addWord(view, HEADER.pinned, -1);
}
