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
  POLICIES,
  type Policy,
  PROBES_MAX,
  REGION_BITS,
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
  /** Words and sums of the header. */
  readonly head: SharedArrayBuffer;
  readonly slotRegions: readonly SharedArrayBuffer[];
  readonly ghostRegions: readonly SharedArrayBuffer[];
  /** Ends of ids that do not fit into their slot. */
  readonly cellRegions: readonly SharedArrayBuffer[];
  /** Ids that were purged or blocked. */
  readonly tombstones: SharedArrayBuffer;
  readonly slots: number;
  /** A region holds 2^regionBits slots, cells or ghosts' buckets; the last one only what is left. */
  readonly regionBits: number;
  /** Size names in the order of their codes. */
  readonly sizes: readonly string[];
  /** What each of them says, as text: a variant made while its size said something else is not what is asked for. */
  readonly shapes: readonly string[];
}

const SLOTS_MIN = 16;
const SIZES_MAX = 255;
/** Of slots, ghosts and ends of ids, for each slot whether it is taken or not. */
export const INDEX_BYTES_PER_SLOT = SLOT_BYTES + LOAD_MAX * (GHOST_BYTES + CELL_BYTES);
/** Ghosts are worth this share of the capacity; hits give no room back, hence more than 1 (measured). */
export const GHOST_SHARE = 1.2;
/** The ghosts' clock is 32 bits wide; their whole life spans at most this many ticks of it. */
const GHOST_TICKS_MAX = 2 ** 28;
const GHOST_TICK_BYTES_MIN = 1024;

/**
 * `capacityBytes` bounds what lies on disk (spec §11), `slots` how many variants: LOAD_MAX of them.
 * `sizes` is `sizeNames(topology)`, `shapes` what `shapeText` says of each. `seeds` key the two hashes; random by default, so that nobody
 * outside can choose ids that collide; `eviction` is S3-FIFO by default. Throws a Fault when the numbers are out of range.
 */
export function createCacheMemory(options: {
  readonly capacityBytes: number;
  readonly slots: number;
  readonly sizes: readonly string[];
  /** One for each size; their names by default. */
  readonly shapes?: readonly string[];
  readonly eviction?: Policy;
  readonly seeds?: readonly [number, number];
  /** For tests: smaller regions, so that there are several. */
  readonly regionBits?: number;
  /** Those of another directory of the same node. */
  readonly tombstones?: SharedArrayBuffer | undefined;
}): CacheMemory {
  const { capacityBytes, slots, sizes, regionBits = REGION_BITS } = options;
  assertLayout();
  assertOptions(capacityBytes, slots, sizes);
  const variantsMax = variantsOf(slots);
  const buckets = bucketsOf(variantsMax);
  const memory: CacheMemory = {
    layoutVersion: LAYOUT_VERSION,
    head: new SharedArrayBuffer(HEADER_BYTES),
    slotRegions: regionsOf(slots, SLOT_BYTES, regionBits),
    ghostRegions: regionsOf(buckets, GHOST_WAYS * GHOST_BYTES, regionBits),
    cellRegions: regionsOf(variantsMax, CELL_BYTES, regionBits),
    tombstones: options.tombstones ?? createTombstoneTable(),
    slots,
    regionBits,
    sizes: [...sizes],
    shapes: [...(options.shapes ?? sizes)],
  };
  const words = new Int32Array(memory.head);
  const sums = new Float64Array(memory.head);
  const seeds = options.seeds ?? crypto.getRandomValues(new Uint32Array(2));
  words[HEADER.version] = LAYOUT_VERSION;
  words[HEADER.slots] = slots;
  words[HEADER.variantsMax] = variantsMax;
  words[HEADER.seed1] = seeds[0] ?? 0;
  words[HEADER.seed2] = seeds[1] ?? 0;
  words[HEADER.arenaCells] = variantsMax;
  words[HEADER.policy] = POLICIES.indexOf(options.eviction ?? "s3-fifo");
  sums[SUM.capacity] = capacityBytes;
  sums[SUM.diskBytes] = Number.POSITIVE_INFINITY;
  sums[SUM.diskSlots] = Number.POSITIVE_INFINITY;
  sums[SUM.ghostTick] = Math.max(
    GHOST_TICK_BYTES_MIN,
    2 ** Math.ceil(Math.log2((capacityBytes * GHOST_SHARE) / GHOST_TICKS_MAX)),
  );
  return memory;
}

function regionsOf(count: number, bytesEach: number, regionBits: number): SharedArrayBuffer[] {
  const perRegion = 2 ** regionBits;
  const regions: SharedArrayBuffer[] = [];
  for (let left = count; left > 0; left -= perRegion) {
    regions.push(new SharedArrayBuffer(Math.min(left, perRegion) * bytesEach));
  }
  return regions;
}

/** How many variants a table of so many slots may hold. */
export function variantsOf(slots: number): number {
  return Math.floor(slots * LOAD_MAX);
}

/** Buckets of ghosts: as many ghosts as variants. */
export function bucketsOf(variantsMax: number): number {
  return Math.ceil(variantsMax / GHOST_WAYS);
}

function assertOptions(capacityBytes: number, slots: number, sizes: readonly string[]): void {
  if (!Number.isSafeInteger(capacityBytes) || capacityBytes < BLOCK_BYTES) {
    throw new Fault("internal", `a cache needs a capacity of at least ${BLOCK_BYTES} bytes`);
  }
  if (!Number.isSafeInteger(slots) || slots < SLOTS_MIN || slots > SLOTS_MAX) {
    throw new Fault(
      "internal",
      `a cache index has ${SLOTS_MIN} to ${SLOTS_MAX} slots, not ${slots}`,
    );
  }
  if (sizes.length === 0 || sizes.length > SIZES_MAX || new Set(sizes).size !== sizes.length) {
    throw new Fault("internal", `a cache index knows 1 to ${SIZES_MAX} different size names`);
  }
}

/** What the views rely on; a slip in layout.ts ends the start of the node, not a request. */
function assertLayout(): void {
  const holds =
    HEADER_BYTES % 8 === 0 &&
    2 ** REGION_BITS * SLOT_BYTES <= 2 ** 31 &&
    2 ** REGION_BITS * GHOST_WAYS * GHOST_BYTES <= 2 ** 31 &&
    (HEADER.doubtful + 1) * 4 <= SUM.capacity * 8 &&
    SUM.begun < ROWS_FLOAT &&
    WORD.id * 4 === OCTET.id &&
    HALF.version * 2 + 2 === OCTET.id &&
    OCTET.bytesHigh === (WORD.bytesLow + 1) * 4 &&
    PROBES_MAX < 2 ** 16 &&
    USE.sweep === USE.hitsMax + 1 &&
    USE.sweepsMax * USE.sweep + USE.hitsMax === 255 &&
    ORIGINAL_EXTS.length < 256;
  if (!holds) throw new Fault("internal", "the layout of the cache index contradicts itself");
}
