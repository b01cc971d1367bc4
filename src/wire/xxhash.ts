/** xxHash for integrity on the wire and for ranking, the WebAssembly one: same result everywhere. */

import xxhash from "xxhash-wasm";

// compiled once a thread, before anything that needs it runs
const api = await xxhash();

/** A digest of bytes that arrive in pieces. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** XXH64 with seed 0, as 16 hex digits. */
  hex(): string;
}

export function makeDigest(): Digest {
  const state = api.create64();
  return {
    update(bytes) {
      state.update(bytes);
    },
    hex: () => state.digest().toString(16).padStart(16, "0"),
  };
}

/** XXH32 of the text's UTF-8, as an unsigned 32-bit number. */
export function hash32(text: string, seed: number): number {
  return api.h32(text, seed) >>> 0;
}
