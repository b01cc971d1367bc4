/**
 * Sampled LRU: the victim is what was asked for longest ago among a few. Hits leave a stamp and need no lock; an
 * exact order would be a list that every hit rewrites.
 */

import type { Eviction } from "./eviction.ts";
import { HEADER, OCTET, STATE, WORD } from "./layout.ts";
import { queueOf, UNQUEUED } from "./queues.ts";
import { stateOf } from "./slots.ts";
import { addWord, setSlotOctet, setSlotWord, slotWord, type View, word } from "./view.ts";

/** Variants a victim is chosen from: with 16 it misses at most 1 % more than an exact LRU (bench/replay.ts). */
const SAMPLE = 16;
/** Slots looked at for them, however empty the table is. */
const LOOKS_MAX = 2048;

export function makeLru(view: View): Eviction {
  function enter(slot: number): void {
    setSlotOctet(view, slot, OCTET.queue, UNQUEUED);
  }

  /** Hits before it are older, those after it newer. */
  function stamp(slot: number): void {
    addWord(view, HEADER.recency, 1);
    setSlotWord(view, slot, WORD.stamp, word(view, HEADER.recency));
    addWord(view, HEADER.recency, 1);
  }

  /** Older than whatever has a stamp. */
  function stampEldest(slot: number): void {
    addWord(view, HEADER.eldest, -1);
    setSlotWord(view, slot, WORD.stamp, word(view, HEADER.eldest));
  }

  /** Hits may have gone on after the clock was written down. */
  function catchUp(slot: number): void {
    const its = slotWord(view, slot, WORD.stamp);
    if (((its - word(view, HEADER.recency)) | 0) > 0) view.words[HEADER.recency] = its;
  }

  function leave(slot: number): void {
    setSlotOctet(view, slot, OCTET.queue, 0);
  }

  return {
    admit(slot) {
      stamp(slot);
      enter(slot);
    },
    readmit(slot, end = "last") {
      // a stamp of an earlier run is as good as one of this run: the clock goes on from there
      if (queueOf(view, slot) === UNQUEUED) catchUp(slot);
      else if (end === "last") stamp(slot);
      else stampEldest(slot);
      enter(slot);
    },
    remove: leave,
    victim() {
      const victim = oldestOfSample(view);
      if (victim >= 0) leave(victim);
      return victim;
    },
    reset() {},
  };
}

/** Names lie in the table by their hashes, so neighbours are strangers: a run from anywhere is a fair sample. */
function oldestOfSample(view: View): number {
  let slot = nextStart(view);
  let oldest = -1;
  let age = -1;
  for (let looked = 0, met = 0; looked < view.slots && met < SAMPLE; looked++) {
    if (looked >= LOOKS_MAX && met > 0) break;
    if (mayGo(view, slot)) {
      met++;
      const itsAge = ageOf(view, slot);
      if (itsAge > age) {
        age = itsAge;
        oldest = slot;
      }
    }
    if (++slot === view.slots) slot = 0;
  }
  return oldest;
}

function mayGo(view: View, slot: number): boolean {
  return (
    slotWord(view, slot, WORD.h1) !== 0 &&
    queueOf(view, slot) === UNQUEUED &&
    stateOf(view, slot) === STATE.live
  );
}

/** Time since it was asked for, two ticks an admission; right up to 2^32 of them. */
function ageOf(view: View, slot: number): number {
  return (word(view, HEADER.recency) - slotWord(view, slot, WORD.stamp)) >>> 0;
}

/** A linear congruential generator of full period, whose high bits are what is used. */
function nextStart(view: View): number {
  const next = (Math.imul(word(view, HEADER.sample), 1_664_525) + 1_013_904_223) | 0;
  view.words[HEADER.sample] = next;
  return Math.floor((next >>> 0) * view.scale);
}
