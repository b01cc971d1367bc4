/** Dropping what nobody has asked for in a long time (`[cache] expire_unused`, spec §1). */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { OCTET, STATE, USE, WORD } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { openStore } from "./open-store.ts";
import { isPinned } from "./pins.ts";
import { type Plan, planLive, retire } from "./room.ts";
import { stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { setSlotOctet, slotOctet, slotWord } from "./view.ts";

/** Main sweeps this many times in the life of an unused variant; it may live one sweep longer than that. */
export const SWEEPS_PER_LIFE = 32;

/** Slots looked at in one turn under the lock; each expired one costs an unlink after it. */
const SLOTS_PER_TURN = 64;
const TURNS_PER_YIELD = 16;

/**
 * One sweep: every live variant that was not hit for SWEEPS_PER_LIFE sweeps goes, file and all; their number.
 * For main, one call at a time, each `expireUnusedMs / SWEEPS_PER_LIFE` of the monotonic clock: time in which
 * the node is stopped does not count. A hit that falls into the sweep of its own slot may go uncounted.
 */
export async function sweepUnused(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** Asked between turns; once it is true the sweep ends where it is. */
  readonly stopping?: () => boolean;
}): Promise<number> {
  const store = openStore({ ...options, worker: 0 });
  const { slots } = store.view;
  let expired = 0;
  try {
    for (let slot = 0, turns = 1; slot < slots; slot += SLOTS_PER_TURN, turns++) {
      expired += sweepSome(store, slot, Math.min(slots, slot + SLOTS_PER_TURN));
      if (options.stopping?.() === true) break;
      if (turns % TURNS_PER_YIELD === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    store.close();
  }
  options.counters.add("expired", expired);
  return expired;
}

function sweepSome(store: Store, from: number, to: number): number {
  const { view } = store;
  const unused: number[] = [];
  let plan: Plan;
  mustLock(store);
  try {
    for (let slot = from; slot < to; slot++) {
      if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) !== STATE.live) continue;
      if (isPinned(view, slot)) continue;
      if (grewOld(store, slot)) unused.push(slot);
    }
    plan = planLive(store, unused);
  } finally {
    unlock(view);
  }
  if (unused.length > 0) retire(store, plan);
  return unused.length;
}

/** One sweep more without a hit; whether that was the last. */
function grewOld(store: Store, slot: number): boolean {
  const use = slotOctet(store.view, slot, OCTET.freq);
  if (Math.floor(use / USE.sweep) >= SWEEPS_PER_LIFE) return true;
  setSlotOctet(store.view, slot, OCTET.freq, use + USE.sweep);
  return false;
}
