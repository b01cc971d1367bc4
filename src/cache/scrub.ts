/** Reads cached files in the background and compares them with their digests: those in doubt after a crash, and slowly all the rest. */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { finishedInTurns } from "./file-digest.ts";
import { inspect } from "./inspect.ts";
import { HEADER, STATE, WORD } from "./layout.ts";
import type { CacheMemory } from "./memory.ts";
import { nameOf } from "./names.ts";
import { openStore } from "./open-store.ts";
import { bytesOf, isDoubtful, stateOf } from "./slots.ts";
import { slotWord, type View } from "./view.ts";

export interface Scrubbed {
  readonly files: number;
  readonly bytes: number;
  readonly damaged: number;
  /** Could not be read just now. */
  readonly unknown: number;
}

/** Slots looked at before others get a turn; most have nothing to read. */
const SLOTS_PER_TURN = 1024;
/** What may be read ahead of the pace. */
const AHEAD_SECONDS = 0.05;

/**
 * One walk over the index, or over what in it is in doubt; ends early at `stopping`. For main, one call at a time. Once
 * nothing is in doubt any more, nobody asks.
 */
export async function scrub(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly what: "doubtful" | "all";
  readonly bytesPerSecond: number;
  readonly stopping: () => boolean;
}): Promise<Scrubbed> {
  const { what, stopping, clock, bytesPerSecond } = options;
  const store = openStore({ ...options, worker: 0 });
  const { view } = store;
  const found = { files: 0, bytes: 0, damaged: 0, unknown: 0 };
  const startMs = clock.monotonicMs();
  try {
    for (let slot = 0; slot < view.slots && !stopping(); slot++) {
      if (slot % SLOTS_PER_TURN === 0) await turn();
      if (!isWanted(view, slot, what)) continue;
      found.bytes += bytesOf(view, slot);
      const verdict = await finishedInTurns(inspect(store, nameOf(view, slot)));
      found.files++;
      if (verdict === "damaged") found.damaged++;
      if (verdict === "unknown") found.unknown++;
      const spentSeconds = (clock.monotonicMs() - startMs) / 1000;
      const ahead = found.bytes / bytesPerSecond - spentSeconds;
      if (ahead > AHEAD_SECONDS) await pause(ahead * 1000, stopping);
      else if (found.files % 8 === 0) await turn();
    }
    const proven = what === "doubtful" && found.unknown === 0 && !stopping();
    if (proven) view.words[HEADER.doubtful] = 0;
  } finally {
    store.close();
  }
  return found;
}

function isWanted(view: View, slot: number, what: "doubtful" | "all"): boolean {
  if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) !== STATE.live) return false;
  return what === "all" || isDoubtful(view, slot);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A large file is paid for in pieces, so that a stop is heard. */
async function pause(waitMs: number, stopping: () => boolean): Promise<void> {
  const PIECE_MS = 100;
  for (let left = waitMs; left > 0 && !stopping(); left -= PIECE_MS) {
    await Bun.sleep(Math.min(PIECE_MS, left));
  }
}
