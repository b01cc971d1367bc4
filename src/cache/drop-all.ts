/** Empties the index of a directory whose files are gone, while other threads use it. */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";
import { STATE, WORD } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { NO_COUNTERS, openStore } from "./open-store.ts";
import { planLive, retire } from "./room.ts";
import { stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { slotWord } from "./view.ts";

/** Slots looked at in one turn under the lock. */
const SLOTS_PER_TURN = 64;
const TURNS_PER_YIELD = 16;

/** Pinned ones too: what is not there can be handed on by nobody. For main. */
export async function dropAll(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
}): Promise<void> {
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  const { slots } = store.view;
  try {
    for (let slot = 0, turns = 1; slot < slots; slot += SLOTS_PER_TURN, turns++) {
      dropSome(store, slot, Math.min(slots, slot + SLOTS_PER_TURN));
      if (turns % TURNS_PER_YIELD === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    store.close();
  }
}

function dropSome(store: Store, from: number, to: number): void {
  const { view } = store;
  const live: number[] = [];
  mustLock(store);
  for (let slot = from; slot < to; slot++) {
    if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) !== STATE.live) continue;
    live.push(slot);
  }
  const plan = planLive(store, live);
  unlock(view);
  if (live.length > 0) retire(store, plan);
}
