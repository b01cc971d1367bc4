/**
 * Eviction ahead of need: while less than the low mark is free main evicts, a few variants a turn, up to twice the mark.
 * Fills thus find their room made; only where they outrun main do they evict by themselves (room.ts).
 */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { HEADER } from "./layout.ts";
import type { CacheMemory } from "./memory.ts";
import { openStore } from "./open-store.ts";
import { freeRoom } from "./room.ts";
import type { Store } from "./store.ts";
import { lowMark, runsLow } from "./thirst.ts";

/** Unlinked between two turns of the event loop: under a millisecond, mostly. */
const VICTIMS_PER_TURN = 32;
/** Of the low mark: what is made each time. */
const MADE = 2;

export interface LowWater {
  /** Resolves when nothing is being evicted any more. */
  stop(): Promise<void>;
}

/** For main, once the workers may take room. */
export function keepRoom(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  /** While it is out of order nothing is evicted: no file of it could be removed. */
  readonly isOut?: () => boolean;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): LowWater {
  const { isOut = () => false } = options;
  const store = openStore({ ...options, worker: 0 });
  const { words } = store.view;
  let stopping = false;

  async function run(): Promise<void> {
    while (!stopping) {
      // before looking: whoever finds little room after this calls again
      Atomics.store(words, HEADER.thirst, 0);
      // where nothing can go, calls are of no use until something has changed
      const deaf = (await makeRoom(store, () => stopping || isOut())) ? 0 : 1;
      if (deaf === 1) Atomics.store(words, HEADER.thirst, 1);
      if (stopping) break;
      const wait = Atomics.waitAsync(words, HEADER.thirst, deaf, DEADLINES.lowWaterMs);
      if (wait.async) await wait.value;
    }
    store.close();
  }

  const running = run();
  return {
    stop() {
      stopping = true;
      Atomics.store(words, HEADER.thirst, 2);
      Atomics.notify(words, HEADER.thirst);
      return running;
    },
  };
}

/** False when there is too little and nothing left that may go, or it could not be done now. */
async function makeRoom(store: Store, stopping: () => boolean): Promise<boolean> {
  const { view } = store;
  if (!runsLow(view)) return true;
  while (runsLow(view, MADE) && !stopping()) {
    if (evictSome(store) === 0) return false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

/** How many went. */
function evictSome(store: Store): number {
  const { bytes, slots } = lowMark(store.view);
  try {
    return freeRoom(store, { bytes: bytes * MADE, slots: slots * MADE }, VICTIMS_PER_TURN);
  } catch (error) {
    store.log.error("cache.low_water_failed", {
      error,
      effect: "requests make their room themselves",
    });
    return 0;
  }
}
