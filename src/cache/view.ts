/** Typed views over the shared memory of the index; every thread opens its own. */

import { Fault } from "../base/fault.ts";
import { ORIGINAL_EXTS } from "../base/variant.ts";
import { hash32 } from "./hash.ts";
import { HEADER, HEADER_BYTES, LAYOUT_VERSION, SLOT_BYTES } from "./layout.ts";
import type { CacheMemory } from "./memory.ts";

export interface View {
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly octets: Uint8Array;
  readonly sums: Float64Array;
  readonly ghost: Int32Array;
  readonly arenaWords: Int32Array;
  readonly arenaOctets: Uint8Array;
  readonly slots: number;
  /** slots / 2^32: a hash times this is its home slot. */
  readonly scale: number;
  readonly seed1: number;
  readonly seed2: number;
  readonly sizes: readonly string[];
  readonly sizeCodes: ReadonlyMap<string, number>;
  /** `.jpg` and so on, by code. */
  readonly dotExts: readonly string[];
  /** Private to the thread: what a reader copied out of a slot before it checks that it was whole. */
  readonly scratch: Int32Array;
}

/** Throws a Fault when the memory was laid out by another build. */
export function openView(memory: CacheMemory): View {
  const words = new Int32Array(memory.table);
  if (memory.layoutVersion !== LAYOUT_VERSION || words[HEADER.version] !== LAYOUT_VERSION) {
    throw new Fault("internal", "the cache index has the layout of another version of mir");
  }
  return {
    words,
    halves: new Uint16Array(memory.table),
    octets: new Uint8Array(memory.table),
    sums: new Float64Array(memory.table, 0, HEADER_BYTES / 8),
    ghost: new Int32Array(memory.ghost),
    arenaWords: new Int32Array(memory.arena),
    arenaOctets: new Uint8Array(memory.arena),
    slots: memory.slots,
    scale: memory.slots / 2 ** 32,
    seed1: words[HEADER.seed1] ?? 0,
    seed2: words[HEADER.seed2] ?? 0,
    sizes: memory.sizes,
    sizeCodes: new Map(memory.sizes.map((name, code) => [name, code])),
    dotExts: ORIGINAL_EXTS.map((ext) => `.${ext}`),
    scratch: new Int32Array(12),
  };
}

/** First word of a slot: the one place that would choose among several regions. */
export function wordOf(slot: number): number {
  return HEADER_BYTES / 4 + slot * (SLOT_BYTES / 4);
}

export function homeOf(view: View, h1: number): number {
  return ((h1 >>> 0) * view.scale) >>> 0;
}

/** First half of a relname's key; never 0, which marks a free slot. */
export function firstHash(view: View, relname: string): number {
  const h1 = hash32(relname, view.seed1);
  return h1 === 0 ? 1 : h1;
}

export function secondHash(view: View, relname: string): number {
  return hash32(relname, view.seed2);
}

/** A word of the table; 0 outside it. */
export function word(view: View, at: number): number {
  return view.words[at] ?? 0;
}

export function half(view: View, at: number): number {
  return view.halves[at] ?? 0;
}

export function octet(view: View, at: number): number {
  return view.octets[at] ?? 0;
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
