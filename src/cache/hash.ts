/** The two hashes of a relname; the wasm is loaded by top-level await, before any importer runs. */

import xxhash from "xxhash-wasm";

const { h32 } = await xxhash();

/** 32 bits of xxHash32, as a signed integer. Two seeds give two independent halves of a key. */
export function hash32(text: string, seed: number): number {
  return h32(text, seed) | 0;
}
