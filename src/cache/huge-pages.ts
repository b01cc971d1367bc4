/**
 * Asks the kernel for large pages under the index: every hit touches a place of its own, and with small pages finding
 * that place takes as long as reading it (a hit takes a third less with large ones: bench/micro/index.ts).
 */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { LIBC } from "../base/libc.ts";
import { HEADER } from "./layout.ts";
import type { CacheMemory } from "./memory.ts";

/** madvise(2). */
const MADV_HUGEPAGE = 14;
/** Every page size of Linux divides this; madvise wants its begin on a page. */
const PAGE_BYTES = 65_536;
/** Below two large pages of x86-64 and arm64 there is nothing to gain. */
const WORTH_BYTES = 4 * 2 ** 20;

/**
 * Of the index, from where large pages cost no memory: names lie at random, so that by then there is one in nearly
 * every small page. A node that uses little of a large index does not pay for all of it.
 */
const FILLED_SHARE = 1 / 16;

/** For main, now and then: true once large pages were asked for, after which there is nothing left to do. */
export function adviseWhenFilled(memory: CacheMemory): boolean {
  const words = new Int32Array(memory.head);
  const filled = (words[HEADER.live] ?? 0) >= (words[HEADER.variantsMax] ?? 0) * FILLED_SHARE;
  if (filled) adviseHugePages(memory);
  return filled;
}

/**
 * Bytes that large pages were asked for: the kernel gives them to what is not touched yet, and little by little to the
 * rest. 0 where they are too few, or there is no such libc or no such call: the index works all the same.
 */
export function adviseHugePages(memory: CacheMemory): number {
  const regions = [...memory.slotRegions, ...memory.cellRegions, ...memory.ghostRegions].filter(
    (region) => region.byteLength >= WORTH_BYTES,
  );
  if (regions.length === 0) return 0;
  try {
    const libc = dlopen(LIBC, {
      madvise: { args: [FFIType.u64, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
    });
    try {
      return regions.reduce((bytes, region) => bytes + advise(libc.symbols.madvise, region), 0);
    } finally {
      libc.close();
    }
  } catch {
    // not this libc, or no FFI here
    return 0;
  }
}

function advise(
  madvise: (from: bigint, bytes: bigint, advice: number) => number,
  region: SharedArrayBuffer,
): number {
  const start = Number(ptr(new Uint8Array(region)));
  const from = Math.ceil(start / PAGE_BYTES) * PAGE_BYTES;
  const bytes = Math.floor((start + region.byteLength - from) / PAGE_BYTES) * PAGE_BYTES;
  return madvise(BigInt(from), BigInt(bytes), MADV_HUGEPAGE) === 0 ? bytes : 0;
}
