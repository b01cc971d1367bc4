/** A hit: no lock, no allocation but the answer, and never a mixture of two variants. */

import { type NameOfId, relnameOf, type VariantMeta } from "../base/variant.ts";
import { KEY, readKey, renameKey } from "./key.ts";
import { FLAG, HALF, HEADER, OCTET, STATE, USE, WORD } from "./layout.ts";
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

/** No live variant. */
export const ABSENT = -1;
const VERSIONS = 2 ** 16;

/**
 * A number that stands for a live variant as it is now, or ABSENT. `count` counts the access for the eviction policy.
 * All of a hit but its meta, which costs more to make than to find (bench/micro/index.ts).
 */
export function findLive(view: View, relname: string, count: boolean): number {
  return readKey(view, relname) ? findKey(view, count) : ABSENT;
}

/** The same of the name in `view.key`. */
function findKey(view: View, count: boolean): number {
  const h1 = view.key[KEY.h1] ?? 0;
  const h2 = view.key[KEY.h2] ?? 0;
  for (let d = probe(view, h1, h2, 0); d >= 0; d = probe(view, h1, h2, d + 1)) {
    const slot = slotAt(view, h1, d);
    const region = regionOf(view, slot);
    const at = wordIn(view, slot);
    const version = liveVersion(view, region, at);
    if (version < 0) continue;
    if (count) countAccess(view, region, at);
    return slot * VERSIONS + version;
  }
  return ABSENT;
}

/** The meta of what `findLive` has just found under that name; undefined when it has changed since. */
function readMeta(view: View, relname: string, found: number): VariantMeta | undefined {
  const slot = Math.floor(found / VERSIONS);
  const region = regionOf(view, slot);
  const at = wordIn(view, slot);
  copySlot(view, region, at);
  return versionOf(region.halves, at) === found % VERSIONS ? metaOf(view, relname) : undefined;
}

/**
 * The meta of a live variant, or undefined. A stale answer is possible in one way only: the variant went away after
 * it was read; then its file is gone too.
 */
export function lookUp(view: View, relname: string, count: boolean): VariantMeta | undefined {
  for (let reads = 0; reads < READS_MAX; reads++) {
    const found = findLive(view, relname, count && reads === 0);
    if (found === ABSENT) return undefined;
    const meta = readMeta(view, relname, found);
    if (meta !== undefined) return meta;
  }
  return undefined;
}

/**
 * Names under which something is live of an id. All it can have are tried from one reading of the id: with a relname
 * for each of 300, a picture that was made cost its serving thread a third of its time (bench/saturation.ts).
 */
export function namesHere(view: View, id: string): NameOfId[] {
  const [first] = view.names;
  if (first === undefined || !readKey(view, relnameOf({ id, ...first.name }))) return [];
  const found: NameOfId[] = [];
  for (const codes of view.names) {
    renameKey(view, codes);
    if (findKey(view, false) !== ABSENT) found.push(codes.name);
  }
  return found;
}

/** The version of a live slot of the name in `view.key`, or -1; it had that name at that version. */
function liveVersion(view: View, { words, halves, octets }: Region, at: number): number {
  const { scratch } = view;
  for (let reads = 0; reads < READS_MAX; reads++) {
    const version = versionOf(halves, at);
    const named = sameName(view, words, at);
    const live = octets[at * 4 + OCTET.state] === STATE.live;
    // this store forbids the compiler to take the second reading of the version from the first
    scratch[COPY.flags] = version;
    if (!named) return -1;
    if (version % 2 === 0 && versionOf(halves, at) === version) return live ? version : -1;
  }
  return -1;
}

/** Copies a slot into the scratch, whole or not. */
function copySlot({ scratch }: View, { words, halves, octets }: Region, at: number): void {
  // these stores forbid the compiler to take a later reading of the version from an earlier one
  scratch[COPY.bytesLow] = words[at + WORD.bytesLow] ?? 0;
  scratch[COPY.bytesHigh] = octets[at * 4 + OCTET.bytesHigh] ?? 0;
  scratch[COPY.validatorHigh] = words[at + WORD.validatorHigh] ?? 0;
  scratch[COPY.validatorLow] = words[at + WORD.validatorLow] ?? 0;
  scratch[COPY.modified] = words[at + WORD.modified] ?? 0;
  scratch[COPY.width] = halves[at * 2 + HALF.width] ?? 0;
  scratch[COPY.height] = halves[at * 2 + HALF.height] ?? 0;
  scratch[COPY.flags] = octets[at * 4 + OCTET.flags] ?? 0;
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

/** One more hit, and no sweep since; under `lru` the time, and the rest once a sweep. On a slot that has just changed owner this favours a stranger by one. */
export function countAccess(view: View, { words, octets }: Region, at: number): void {
  if (view.stamped) {
    const now = view.words[HEADER.recency] ?? 0;
    if (words[at + WORD.stamp] !== now) words[at + WORD.stamp] = now;
  }
  const index = at * 4 + OCTET.freq;
  const use = octets[index] ?? 0;
  // what is hit all the time is not written all the time
  if (use === USE.hitsMax) return;
  octets[index] = view.stamped ? USE.hitsMax : Math.min(USE.hitsMax, (use % USE.sweep) + 1);
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
