/** Every live slot of the index once, while others change it: in the order of the queues as far as that holds still. */

import { HALF, STATE, WORD } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import { MAIN, PINNED, prevOf, queueOf, SMALL, tailOf } from "./queues.ts";
import { stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { slotHalf, slotWord, type View } from "./view.ts";

/** Slots looked at in one turn under the lock. */
const SLOTS_PER_TURN = 256;

/** What a start needs first comes first. */
const ORDER = [PINNED, MAIN, SMALL] as const;

/**
 * Calls `visit` under the lock, what entered its queue last first, and yields between turns. A slot that is live from
 * the beginning to the end is met once; one that comes or goes meanwhile may be met or not.
 */
export function* walkLive(store: Store, visit: (slot: number) => void): Generator<void> {
  const { view } = store;
  const met = new Uint8Array(Math.ceil(view.slots / 8));
  const meet = (slot: number): void => {
    const bit = 1 << (slot & 7);
    const at = slot >>> 3;
    if (((met[at] ?? 0) & bit) !== 0) return;
    met[at] = (met[at] ?? 0) | bit;
    visit(slot);
  };
  for (const queue of ORDER) yield* walkQueue(store, queue, meet);
  // what moved from queue to queue meanwhile, and the rest of a queue whose thread was lost
  for (let slot = 0; slot < view.slots; slot += SLOTS_PER_TURN) {
    const end = Math.min(view.slots, slot + SLOTS_PER_TURN);
    locked(store, () => {
      for (let one = slot; one < end; one++) if (isLive(view, one)) meet(one);
    });
    yield;
  }
}

/** From the last to the first, as long as the slot where the next turn goes on stays where it is. */
function* walkQueue(store: Store, queue: number, meet: (slot: number) => void): Generator<void> {
  const { view } = store;
  let place: { readonly slot: number; readonly version: number } | undefined;
  let left = true;
  // one that is moved to the end just there must not send the walk round and round
  for (let met = 0; left && met <= view.slots; met += SLOTS_PER_TURN) {
    locked(store, () => {
      let slot = place === undefined ? tailOf(view, queue) : place.slot;
      if (place !== undefined && !staysIn(view, queue, place)) slot = -1;
      for (let n = 0; slot >= 0 && n < SLOTS_PER_TURN; n++, slot = prevOf(view, slot)) meet(slot);
      left = slot >= 0;
      if (left) place = { slot, version: versionOf(view, slot) };
    });
    yield;
  }
}

function staysIn(
  view: View,
  queue: number,
  place: { readonly slot: number; readonly version: number },
): boolean {
  const { slot, version } = place;
  return isLive(view, slot) && queueOf(view, slot) === queue && versionOf(view, slot) === version;
}

function isLive(view: View, slot: number): boolean {
  return slotWord(view, slot, WORD.h1) !== 0 && stateOf(view, slot) === STATE.live;
}

function versionOf(view: View, slot: number): number {
  return slotHalf(view, slot, HALF.version);
}

function locked(store: Store, work: () => void): void {
  mustLock(store);
  try {
    work();
  } finally {
    unlock(store.view);
  }
}
