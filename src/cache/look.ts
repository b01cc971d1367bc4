/** A hit: no lock, no allocation but the answer, and never a mixture of two variants. */

import type { VariantMeta } from "../base/variant.ts";
import { FLAG, HALF, OCTET, STATE, USE, WORD } from "./layout.ts";
import { factsOf, validatorText } from "./meta.ts";
import { namesSlot } from "./names.ts";
import { probe, slotAt } from "./slots.ts";
import { firstHash, half, octet, secondHash, type View, word, wordOf } from "./view.ts";

/** A slot that changes this often while it is read counts as a miss. */
const READS_MAX = 4;

/** Plain loads are ordered on x86; elsewhere the version is read through Atomics. */
const ORDERED = process.arch === "x64";

/** Places in `View.scratch`. */
const COPY = {
  bytesLow: 0,
  bytesHigh: 1,
  validatorHigh: 2,
  validatorLow: 3,
  modified: 4,
  width: 5,
  height: 6,
  flags: 7,
} as const;

/**
 * The meta of a live variant, or undefined. `count` counts the access for the eviction policy. A stale
 * answer is possible in one way only: the variant went away after it was read; then its file is gone too.
 */
export function lookUp(view: View, relname: string, count: boolean): VariantMeta | undefined {
  const h1 = firstHash(view, relname);
  const h2 = secondHash(view, relname);
  for (let d = probe(view, h1, h2, 0); d >= 0; d = probe(view, h1, h2, d + 1)) {
    const slot = slotAt(view, h1, d);
    if (!copySlot(view, slot, relname, h1, h2)) continue;
    if (count) countAccess(view, slot);
    return metaOf(view, relname);
  }
  return undefined;
}

/** Copies a live slot of that name into the scratch; false when it is not one. */
function copySlot(view: View, slot: number, relname: string, h1: number, h2: number): boolean {
  const at = wordOf(slot);
  const { scratch, words } = view;
  for (let reads = 0; reads < READS_MAX; reads++) {
    const version = versionOf(view, at);
    const named = namesSlot(view, slot, relname);
    // these stores forbid the compiler to take the second reading of the version from the first
    scratch[COPY.bytesLow] = word(view, at + WORD.bytesLow);
    scratch[COPY.bytesHigh] = octet(view, at * 4 + OCTET.bytesHigh);
    scratch[COPY.validatorHigh] = word(view, at + WORD.validatorHigh);
    scratch[COPY.validatorLow] = word(view, at + WORD.validatorLow);
    scratch[COPY.modified] = word(view, at + WORD.modified);
    scratch[COPY.width] = half(view, at * 2 + HALF.width);
    scratch[COPY.height] = half(view, at * 2 + HALF.height);
    scratch[COPY.flags] = octet(view, at * 4 + OCTET.flags);
    const live = octet(view, at * 4 + OCTET.state) === STATE.live;
    if (words[at + WORD.h1] !== h1 || words[at + WORD.h2] !== h2) return false;
    if (version % 2 === 0 && versionOf(view, at) === version) return named && live;
  }
  return false;
}

function versionOf(view: View, at: number): number {
  const index = at * 2 + HALF.version;
  return ORDERED ? half(view, index) : Atomics.load(view.halves, index);
}

/** One more hit, and no sweep since. On a slot that has just changed owner this favours a stranger by one. */
function countAccess(view: View, slot: number): void {
  const at = wordOf(slot) * 4 + OCTET.freq;
  const use = octet(view, at);
  // what is hit all the time is not written all the time
  if (use === USE.hitsMax) return;
  view.octets[at] = Math.min(USE.hitsMax, (use % USE.sweep) + 1);
}

function metaOf(view: View, relname: string): VariantMeta {
  const { scratch } = view;
  const flags = scratch[COPY.flags] ?? 0;
  const low = (scratch[COPY.bytesLow] ?? 0) >>> 0;
  return {
    relname,
    bytes: low + (scratch[COPY.bytesHigh] ?? 0) * 2 ** 32,
    validator: validatorText(scratch[COPY.validatorHigh] ?? 0, scratch[COPY.validatorLow] ?? 0),
    modified: (scratch[COPY.modified] ?? 0) >>> 0,
    facts: factsOf(scratch[COPY.width] ?? 0, scratch[COPY.height] ?? 0, flags),
    lossySteps: flags >> FLAG.lossyShift,
  };
}
