/** The shared memory of the cache index, made by main and posted to the worker threads. */

import { Fault } from "../base/fault.ts";
import { ORIGINAL_EXTS } from "../base/variant.ts";
import {
  BLOCK_BYTES,
  CELL_BYTES,
  GHOST_BYTES,
  GHOST_WAYS,
  HALF,
  HEADER,
  HEADER_BYTES,
  LAYOUT_VERSION,
  LOAD_MAX,
  OCTET,
  PROBES_MAX,
  ROWS_FLOAT,
  SLOT_BYTES,
  SLOTS_MAX,
  SUM,
  USE,
  WORD,
} from "./layout.ts";
import { createTombstoneTable } from "./tombstone-table.ts";

/** Structured-cloneable: the buffers are shared, the rest is copied. */
export interface CacheMemory {
  readonly layoutVersion: number;
  /** Header and slots. */
  readonly table: SharedArrayBuffer;
  readonly ghost: SharedArrayBuffer;
  /** Ends of ids that do not fit into their slot. */
  readonly arena: SharedArrayBuffer;
  /** Ids that were purged or blocked. */
  readonly tombstones: SharedArrayBuffer;
  readonly slots: number;
  /** Size names in the order of their codes. */
  readonly sizes: readonly string[];
}

const SLOTS_MIN = 16;
const SIZES_MAX = 255;
/** Ghosts are worth this share of the capacity; hits give no room back, hence more than 1 (measured). */
export const GHOST_SHARE = 1.2;
/** The ghosts' clock is 32 bits wide; their whole life spans at most this many ticks of it. */
const GHOST_TICKS_MAX = 2 ** 28;
const GHOST_TICK_BYTES_MIN = 1024;

/**
 * `capacityBytes` bounds what lies on disk (spec §11), `slots` how many variants: LOAD_MAX of them.
 * `sizes` is `sizeNames(topology)`. `seeds` key the two hashes; random by default, so that nobody
 * outside can choose ids that collide. Throws a Fault when the numbers are out of range.
 */
export function createCacheMemory(options: {
  readonly capacityBytes: number;
  readonly slots: number;
  readonly sizes: readonly string[];
  readonly seeds?: readonly [number, number];
}): CacheMemory {
  const { capacityBytes, slots, sizes } = options;
  assertLayout();
  assertOptions(capacityBytes, slots, sizes);
  const variantsMax = variantsOf(slots);
  const buckets = Math.ceil(variantsMax / GHOST_WAYS);
  const memory: CacheMemory = {
    layoutVersion: LAYOUT_VERSION,
    // one spare slot: a read of the last id's last group may touch the byte behind it
    table: new SharedArrayBuffer(HEADER_BYTES + (slots + 1) * SLOT_BYTES),
    ghost: new SharedArrayBuffer(buckets * GHOST_WAYS * GHOST_BYTES),
    arena: new SharedArrayBuffer(variantsMax * CELL_BYTES),
    tombstones: createTombstoneTable(),
    slots,
    sizes: [...sizes],
  };
  const words = new Int32Array(memory.table);
  const sums = new Float64Array(memory.table, 0, HEADER_BYTES / 8);
  const seeds = options.seeds ?? crypto.getRandomValues(new Uint32Array(2));
  words[HEADER.version] = LAYOUT_VERSION;
  words[HEADER.slots] = slots;
  words[HEADER.variantsMax] = variantsMax;
  words[HEADER.seed1] = seeds[0] ?? 0;
  words[HEADER.seed2] = seeds[1] ?? 0;
  words[HEADER.arenaCells] = variantsMax;
  sums[SUM.capacity] = capacityBytes;
  sums[SUM.diskBytes] = Number.POSITIVE_INFINITY;
  sums[SUM.diskSlots] = Number.POSITIVE_INFINITY;
  sums[SUM.ghostTick] = Math.max(
    GHOST_TICK_BYTES_MIN,
    2 ** Math.ceil(Math.log2((capacityBytes * GHOST_SHARE) / GHOST_TICKS_MAX)),
  );
  return memory;
}

/** How many variants a table of so many slots may hold. */
export function variantsOf(slots: number): number {
  return Math.floor(slots * LOAD_MAX);
}

function assertOptions(capacityBytes: number, slots: number, sizes: readonly string[]): void {
  if (!Number.isSafeInteger(capacityBytes) || capacityBytes < BLOCK_BYTES) {
    throw new Fault("internal", `a cache needs a capacity of at least ${BLOCK_BYTES} bytes`);
  }
  if (!Number.isSafeInteger(slots) || slots < SLOTS_MIN || slots > SLOTS_MAX) {
    throw new Fault(
      "internal",
      `a cache index has ${SLOTS_MIN} to ${SLOTS_MAX} slots (one region of shared memory), not ${slots}`,
    );
  }
  if (sizes.length === 0 || sizes.length > SIZES_MAX || new Set(sizes).size !== sizes.length) {
    throw new Fault("internal", `a cache index knows 1 to ${SIZES_MAX} different size names`);
  }
}

/** What the views rely on; a slip in layout.ts ends the start of the node, not a request. */
function assertLayout(): void {
  const holds =
    HEADER_BYTES % SLOT_BYTES === 0 &&
    (HEADER.pinned + 1) * 4 <= SUM.capacity * 8 &&
    SUM.writeFailed < ROWS_FLOAT &&
    WORD.id * 4 === OCTET.id &&
    HALF.version * 2 + 2 === OCTET.id &&
    OCTET.bytesHigh === (WORD.bytesLow + 1) * 4 &&
    PROBES_MAX < 2 ** 16 &&
    USE.sweep === USE.hitsMax + 1 &&
    USE.sweepsMax * USE.sweep + USE.hitsMax === 255 &&
    ORIGINAL_EXTS.length < 256;
  if (!holds) throw new Fault("internal", "the layout of the cache index contradicts itself");
}
