/** Tombstones as every thread sees them: when an id was purged last, and whether it is blocked (spec §11). */

import { LIMITS } from "../base/limits.ts";
import { hash32 } from "./hash.ts";

/** Seconds that the clocks of two nodes may differ: what was read this soon after a purge may still be old. */
export const PURGE_SLACK_SECONDS = 5;
/** How long a purge is remembered; a block until it is lifted. */
export const TOMBSTONE_LIFE_SECONDS = 30 * 86_400;

/** What main has done about the purge since it wrote the tombstone. */
export type Stage =
  /** Variants of the id may still be here. */
  | "written"
  /** Those from before are gone; new ones may be as old as the purge itself. */
  | "dropped"
  /** The slack is over, and what was kept meanwhile is gone too. */
  | "swept";

export interface Tombstone {
  /** Unix seconds of the last purge; 0 when there was none, or it is forgotten by now. */
  readonly purgedAt: number;
  readonly stage: Stage;
  readonly blocked: boolean;
}

const HEADER = { version: 0, taken: 1, seed1: 2, seed2: 3 } as const;
const HEADER_WORDS = 16;
const ENTRY_WORDS = 4;
const ENTRY = { h1: 0, h2: 1, purgedAt: 2, flags: 3 } as const;
const BLOCKED = 4;
const STAGES: readonly Stage[] = ["written", "dropped", "swept"];
/** Share of the places that may be taken by what lives. */
const LOAD_MAX = 0.5;

/** Room for `tombstones` of them, 32 bytes each; ids are kept as hashes of 64 bits. */
export function createTombstoneTable(tombstones: number = LIMITS.purgesMax): SharedArrayBuffer {
  const places = 2 ** Math.ceil(Math.log2(tombstones / LOAD_MAX));
  const table = new SharedArrayBuffer((HEADER_WORDS + places * ENTRY_WORDS) * 4);
  const words = new Int32Array(table);
  const seeds = crypto.getRandomValues(new Int32Array(2));
  words[HEADER.seed1] = seeds[0] ?? 0;
  words[HEADER.seed2] = seeds[1] ?? 0;
  return table;
}

/** Read by all threads, written by main alone. */
export class TombstoneTable {
  readonly #words: Int32Array;
  readonly #places: number;

  constructor(table: SharedArrayBuffer) {
    this.#words = new Int32Array(table);
    this.#places = (this.#words.length - HEADER_WORDS) / ENTRY_WORDS;
  }

  /** What holds for the id at that time (Unix seconds); undefined when nothing does. Lock-free. */
  look(id: string, now: number): Tombstone | undefined {
    if (this.#word(HEADER.taken) === 0) return undefined;
    const h1 = this.#firstHash(id);
    const h2 = hash32(id, this.#word(HEADER.seed2));
    for (;;) {
      const version = Atomics.load(this.#words, HEADER.version);
      // main is writing four words, and if it died there this thread would be gone with it
      if (version % 2 !== 0) Atomics.pause();
      else {
        const found = this.#read(h1, h2, now);
        if (Atomics.load(this.#words, HEADER.version) === version) return found;
      }
    }
  }

  /** Counts the changes, twice each: what was known at the same figure still holds. */
  changes(): number {
    return this.#word(HEADER.version);
  }

  /** Takes the place of an earlier one of the id, or of one that is over at `now`. Main only. */
  write(id: string, tombstone: Tombstone, now: number): void {
    const h1 = this.#firstHash(id);
    const h2 = hash32(id, this.#word(HEADER.seed2));
    const at = this.#placeFor(h1, h2, now);
    const words = this.#words;
    const flags = STAGES.indexOf(tombstone.stage) | (tombstone.blocked ? BLOCKED : 0);
    Atomics.add(words, HEADER.version, 1);
    if (words[at + ENTRY.h1] === 0) Atomics.add(words, HEADER.taken, 1);
    Atomics.store(words, at + ENTRY.h1, h1);
    Atomics.store(words, at + ENTRY.h2, h2);
    Atomics.store(words, at + ENTRY.purgedAt, tombstone.purgedAt);
    Atomics.store(words, at + ENTRY.flags, flags);
    Atomics.add(words, HEADER.version, 1);
  }

  #read(h1: number, h2: number, now: number): Tombstone | undefined {
    for (let i = 0; i < this.#places; i++) {
      const at = this.#placeAt(h1, i);
      const found = this.#word(at + ENTRY.h1);
      if (found === 0) return undefined;
      if (found === h1 && this.#word(at + ENTRY.h2) === h2) return this.#stateAt(at, now);
    }
    return undefined;
  }

  #stateAt(at: number, now: number): Tombstone | undefined {
    const flags = this.#word(at + ENTRY.flags);
    const blocked = (flags & BLOCKED) !== 0;
    const purgedAt = this.#word(at + ENTRY.purgedAt) >>> 0;
    const alive = purgedAt + TOMBSTONE_LIFE_SECONDS > now;
    if (!alive && !blocked) return undefined;
    const stage = STAGES[flags & 3] ?? "written";
    return { purgedAt: alive ? purgedAt : 0, stage, blocked };
  }

  /** There is always one: main bounds how many live, and they fill at most half of the places. */
  #placeFor(h1: number, h2: number, now: number): number {
    let over = -1;
    for (let i = 0; i < this.#places; i++) {
      const at = this.#placeAt(h1, i);
      const found = this.#word(at + ENTRY.h1);
      if (found === 0) return over < 0 ? at : over;
      if (found === h1 && this.#word(at + ENTRY.h2) === h2) return at;
      if (over < 0 && this.#stateAt(at, now) === undefined) over = at;
    }
    return over < 0 ? this.#placeAt(h1, 0) : over;
  }

  #placeAt(h1: number, distance: number): number {
    const place = ((h1 >>> 0) + distance) & (this.#places - 1);
    return HEADER_WORDS + place * ENTRY_WORDS;
  }

  /** Never 0, which marks a free place. */
  #firstHash(id: string): number {
    return hash32(id, this.#word(HEADER.seed1)) || 1;
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }
}
