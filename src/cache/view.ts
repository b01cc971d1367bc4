/** Typed views over the shared memory of the index; every thread opens its own. */

import { Fault } from "../base/fault.ts";
import { KEY, type KeyReader, openKeyReader, readKey } from "./key.ts";
import { HEADER, LAYOUT_VERSION, POLICIES, SLOT_BYTES } from "./layout.ts";
import type { CacheMemory } from "./memory.ts";

export const SLOT_WORDS = SLOT_BYTES / 4;

/** One buffer of slots; positions in it are those of its first slot and up. */
export interface Region {
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly octets: Uint8Array;
}

export interface View extends KeyReader {
  /** Words and sums of the header. */
  readonly words: Int32Array;
  readonly sums: Float64Array;
  readonly regions: readonly Region[];
  /** Buffers of arena cells. */
  readonly cells: readonly Int32Array[];
  readonly ghosts: readonly Int32Array[];
  readonly slots: number;
  /** A slot's region is its number shifted by this, its place there the rest; the same for cells and buckets. */
  readonly regionBits: number;
  readonly regionMask: number;
  /** Hits leave the time: the policy is `lru`. */
  readonly stamped: boolean;
  /** slots / 2^32: a hash times this is its home slot. */
  readonly scale: number;
  readonly seed1: number;
  readonly seed2: number;
  /** As CacheMemory has them. */
  readonly shapes: readonly string[];
  /** Private to the thread: what a reader copied out of a slot before it checks that it was whole. */
  readonly scratch: Int32Array;
}

/** Throws a Fault when the memory was laid out by another build. */
export function openView(memory: CacheMemory): View {
  const words = new Int32Array(memory.head);
  if (memory.layoutVersion !== LAYOUT_VERSION || words[HEADER.version] !== LAYOUT_VERSION) {
    throw new Fault("internal", "the cache index has the layout of another version of mir");
  }
  const [seed1, seed2] = [words[HEADER.seed1] ?? 0, words[HEADER.seed2] ?? 0];
  return {
    ...openKeyReader(memory.sizes, [seed1, seed2]),
    words,
    sums: new Float64Array(memory.head),
    regions: memory.slotRegions.map((buffer) => ({
      words: new Int32Array(buffer),
      halves: new Uint16Array(buffer),
      octets: new Uint8Array(buffer),
    })),
    cells: memory.cellRegions.map((buffer) => new Int32Array(buffer)),
    ghosts: memory.ghostRegions.map((buffer) => new Int32Array(buffer)),
    slots: memory.slots,
    regionBits: memory.regionBits,
    regionMask: 2 ** memory.regionBits - 1,
    stamped: POLICIES[words[HEADER.policy] ?? 0] === "lru",
    scale: memory.slots / 2 ** 32,
    seed1,
    seed2,
    shapes: memory.shapes,
    scratch: new Int32Array(12),
  };
}

/** The buffer a slot lies in. */
export function regionOf(view: View, slot: number): Region {
  const region = view.regions[slot >>> view.regionBits];
  if (region === undefined) throw new Fault("internal", `the cache index has no slot ${slot}`);
  return region;
}

/** First word of a slot in its region. */
export function wordIn(view: View, slot: number): number {
  return (slot & view.regionMask) * SLOT_WORDS;
}

export function slotWord(view: View, slot: number, field: number): number {
  return regionOf(view, slot).words[wordIn(view, slot) + field] ?? 0;
}

export function setSlotWord(view: View, slot: number, field: number, value: number): void {
  regionOf(view, slot).words[wordIn(view, slot) + field] = value;
}

export function slotHalf(view: View, slot: number, field: number): number {
  return regionOf(view, slot).halves[wordIn(view, slot) * 2 + field] ?? 0;
}

export function setSlotHalf(view: View, slot: number, field: number, value: number): void {
  regionOf(view, slot).halves[wordIn(view, slot) * 2 + field] = value;
}

export function slotOctet(view: View, slot: number, field: number): number {
  return regionOf(view, slot).octets[wordIn(view, slot) * 4 + field] ?? 0;
}

export function setSlotOctet(view: View, slot: number, field: number, value: number): void {
  regionOf(view, slot).octets[wordIn(view, slot) * 4 + field] = value;
}

export function homeOf(view: View, h1: number): number {
  return ((h1 >>> 0) * view.scale) >>> 0;
}

/** First half of a relname's key; never 0, which marks a free slot. 1 for what cannot be in the index. */
export function firstHash(view: View, relname: string): number {
  return readKey(view, relname) ? (view.key[KEY.h1] ?? 1) : 1;
}

export function secondHash(view: View, relname: string): number {
  return readKey(view, relname) ? (view.key[KEY.h2] ?? 0) : 0;
}

/** A word of the header. */
export function word(view: View, at: number): number {
  return view.words[at] ?? 0;
}

export function sum(view: View, at: number): number {
  return view.sums[at] ?? 0;
}

export function addSum(view: View, at: number, amount: number): void {
  view.sums[at] = (view.sums[at] ?? 0) + amount;
}

export function addWord(view: View, at: number, amount: number): void {
  view.words[at] = (view.words[at] ?? 0) + amount;
}
