/** A hit: no lock, no allocation but the answer, and never a mixture of two variants. */

import type { VariantMeta } from "../base/variant.ts";
import { KEY, readKey } from "./key.ts";
import { FLAG, HALF, OCTET, STATE, USE, WORD } from "./layout.ts";
import { factsOf, validatorText } from "./meta.ts";
import { sameName } from "./names.ts";
import { probe, slotAt } from "./slots.ts";
import { type Region, regionOf, type View, wordIn } from "./view.ts";

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
  if (!readKey(view, relname)) return undefined;
  const h1 = view.key[KEY.h1] ?? 0;
  const h2 = view.key[KEY.h2] ?? 0;
  for (let d = probe(view, h1, h2, 0); d >= 0; d = probe(view, h1, h2, d + 1)) {
    const slot = slotAt(view, h1, d);
    const region = regionOf(view, slot);
    const at = wordIn(view, slot);
    if (!copySlot(view, region, at)) continue;
    if (count) countAccess(region, at);
    return metaOf(view, relname);
  }
  return undefined;
}

/** Copies a live slot of the name in `view.key` into the scratch; false when it is not one. */
function copySlot(view: View, region: Region, at: number): boolean {
  const { scratch, key } = view;
  const { words, halves, octets } = region;
  for (let reads = 0; reads < READS_MAX; reads++) {
    const version = versionOf(halves, at);
    const named = sameName(view, words, at);
    // these stores forbid the compiler to take the second reading of the version from the first
    scratch[COPY.bytesLow] = words[at + WORD.bytesLow] ?? 0;
    scratch[COPY.bytesHigh] = octets[at * 4 + OCTET.bytesHigh] ?? 0;
    scratch[COPY.validatorHigh] = words[at + WORD.validatorHigh] ?? 0;
    scratch[COPY.validatorLow] = words[at + WORD.validatorLow] ?? 0;
    scratch[COPY.modified] = words[at + WORD.modified] ?? 0;
    scratch[COPY.width] = halves[at * 2 + HALF.width] ?? 0;
    scratch[COPY.height] = halves[at * 2 + HALF.height] ?? 0;
    scratch[COPY.flags] = octets[at * 4 + OCTET.flags] ?? 0;
    const live = octets[at * 4 + OCTET.state] === STATE.live;
    if (words[at + WORD.h1] !== key[KEY.h1] || words[at + WORD.h2] !== key[KEY.h2]) return false;
    if (version % 2 === 0 && versionOf(halves, at) === version) return named && live;
  }
  return false;
}

/** Whether what `lookUp` has just found on this thread must not be served before its file was looked at. */
export function foundDoubtful({ scratch }: View): boolean {
  return ((scratch[COPY.flags] ?? 0) & FLAG.doubtful) !== 0;
}

/** Odd while the slot is being rewritten. `at`: its first word. */
export function versionOf(halves: Uint16Array, at: number): number {
  const index = at * 2 + HALF.version;
  return ORDERED ? (halves[index] ?? 0) : Atomics.load(halves, index);
}

/** One more hit, and no sweep since. On a slot that has just changed owner this favours a stranger by one. */
export function countAccess({ octets }: Region, at: number): void {
  const index = at * 4 + OCTET.freq;
  const use = octets[index] ?? 0;
  // what is hit all the time is not written all the time
  if (use === USE.hitsMax) return;
  octets[index] = Math.min(USE.hitsMax, (use % USE.sweep) + 1);
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
