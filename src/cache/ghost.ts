/**
 * What left the small queue unseen, remembered for 1.2 capacities' worth of such bytes: four-way buckets
 * of {fingerprint, time}, where time is counted in bytes. Forgetting one early costs a miss, nothing else.
 */

import { Fault } from "../base/fault.ts";
import { GHOST_BYTES, GHOST_WAYS, HEADER, SUM } from "./layout.ts";
import { bucketsOf, GHOST_SHARE } from "./memory.ts";
import { addSum, sum, type View, word } from "./view.ts";

const ENTRY_WORDS = GHOST_BYTES / 4;
const BUCKET_WORDS = GHOST_WAYS * ENTRY_WORDS;

/** Under the lock. A full bucket forgets its oldest. */
export function addGhost(view: View, h1: number, h2: number, bytes: number): void {
  addSum(view, SUM.ghostClock, bytes);
  const now = clockOf(view);
  const number = bucketOf(view, h1);
  const ghost = ghostsOf(view, number);
  const bucket = (number & view.regionMask) * BUCKET_WORDS;
  let place = bucket;
  let oldest = Number.NEGATIVE_INFINITY;
  for (let at = bucket; at < bucket + BUCKET_WORDS; at += ENTRY_WORDS) {
    const age = ghost[at] === 0 ? Number.POSITIVE_INFINITY : (now - (ghost[at + 1] ?? 0)) | 0;
    if (age > oldest) {
      oldest = age;
      place = at;
    }
  }
  ghost[place] = h2 | 1;
  ghost[place + 1] = now;
}

/** Whether the key is remembered; it is forgotten by this. Under the lock. */
export function takeGhost(view: View, h1: number, h2: number): boolean {
  const number = bucketOf(view, h1);
  const ghost = ghostsOf(view, number);
  const bucket = (number & view.regionMask) * BUCKET_WORDS;
  const life = (sum(view, SUM.capacity) * GHOST_SHARE) / sum(view, SUM.ghostTick);
  for (let at = bucket; at < bucket + BUCKET_WORDS; at += ENTRY_WORDS) {
    if (ghost[at] !== (h2 | 1)) continue;
    const age = (clockOf(view) - (ghost[at + 1] ?? 0)) | 0;
    ghost[at] = 0;
    return age >= 0 && age <= life;
  }
  return false;
}

/** 32 bits of the clock; differences are right as long as they span under 2^31 ticks. */
function clockOf(view: View): number {
  return Math.floor(sum(view, SUM.ghostClock) / sum(view, SUM.ghostTick)) | 0;
}

function bucketOf(view: View, h1: number): number {
  const spread = Math.imul(h1, 0x9e3779b1) >>> 0;
  return Math.floor((spread / 2 ** 32) * bucketsOf(word(view, HEADER.variantsMax)));
}

/** The buffer a bucket lies in. */
function ghostsOf(view: View, bucket: number): Int32Array {
  const ghosts = view.ghosts[bucket >>> view.regionBits];
  if (ghosts === undefined) throw new Fault("internal", `the cache index has no bucket ${bucket}`);
  return ghosts;
}
