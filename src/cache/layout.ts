/** Where everything lies in the shared memory of the cache index: header words, sums, rows of workers, slots. */

import { LIMITS } from "../base/limits.ts";

/** Raised whenever a position below changes meaning, so that threads of two builds never share one table. */
export const LAYOUT_VERSION = 6;

/** Files are accounted in blocks of this many bytes (spec §11). */
export const BLOCK_BYTES = 4096;

/** Share of the slots that may be taken: above it the probes of a miss grow steeply (measured). */
export const LOAD_MAX = 0.62;

/** A key may lie at most this far from its home; it bounds every probe and every `passed` count. */
export const PROBES_MAX = 1024;

/** 32-bit words of the header. The lock has a cache line to itself. */
export const HEADER = {
  lock: 0,
  version: 16,
  slots: 17,
  variantsMax: 18,
  seed1: 19,
  seed2: 20,
  /** A place in POLICIES. */
  policy: 21,
  /** `lru`: the time that hits are stamped with, two ticks an admission, and where the next sample begins. */
  recency: 22,
  sample: 23,
  /** `lru`: below the stamps of all that came back after what is newer. */
  eldest: 42,
  /** 1 since a thread found little room, until main has seen to it. */
  thirst: 24,
  /** First and last slot + 1 of the small queue, the main queue and the pinned ones. */
  heads: 35,
  tails: 38,
  /** Live variants. */
  live: 25,
  /** Slots taken: live ones, those whose file is coming, and those whose file is going. */
  taken: 26,
  /** First slot + 1 of the dying slots nobody works on. */
  orphans: 27,
  arenaCells: 28,
  /** Cells below this were used at least once. */
  arenaFresh: 29,
  arenaFree: 30,
  /** Cells that belong to slots. */
  arenaUsed: 34,
  /** Number of the journal file that records go to. */
  journal: 31,
  /** Counts openings, so that names of temporary files never repeat. */
  openings: 32,
  repairs: 33,
  /** Live variants that are pinned. */
  pinned: 41,
  /** 1 while there may be slots with FLAG.doubtful. */
  doubtful: 60,
} as const;

/** 64-bit floats of the header, exact to 2^53. */
export const SUM = {
  capacity: 32,
  /** Accounted bytes of all taken slots. */
  used: 33,
  /** Of live slots. */
  live: 34,
  /** Of live slots in the small queue. */
  small: 35,
  /** Bytes that ever left the small queue unseen, and the bytes in one tick of the ghosts' clock. */
  ghostClock: 36,
  ghostTick: 37,
  reserved: 38,
  owed: 39,
  reservedSlots: 40,
  owedSlots: 41,
  /** Exact bytes of the journal file in use. */
  journal: 42,
  /** Accounted bytes of what else lies below `.mir`, temporary files and journals apart. */
  other: 43,
  evicted: 44,
  /** Accounted bytes of journal files before the one in use. */
  oldJournals: 45,
  /** Accounted bytes of pinned variants, a part of the live ones. */
  pinned: 46,
  /** What the file system has for us, as it was last looked at: accounted bytes, and slots for its inodes. */
  diskBytes: 47,
  diskSlots: 48,
  /** 1 while the last write of a variant has failed. */
  writeFailed: 49,
  /** Exact bytes of the checkpoint. */
  checkpoint: 60,
  /** Position in disk-state.ts of the state of this directory; files that could not be read so far. */
  health: 61,
  unread: 62,
  /** Times the directory was put to use: threads that opened it before open it again. */
  begun: 63,
} as const;

/** Each worker's share of the sums of the same name, so that repair can take a dead one's back. */
export const ROW = { reserved: 0, owed: 1, reservedSlots: 2, owedSlots: 3 } as const;
export type RowField = keyof typeof ROW;

export const ROWS_FLOAT = 64;
const ROW_FLOATS = 4;
export const ROWS = LIMITS.workersMax + 1;

export const HEADER_BYTES = Math.ceil(((ROWS_FLOAT + ROWS * ROW_FLOATS) * 8) / 64) * 64;

export function rowFloat(worker: number, field: RowField): number {
  return ROWS_FLOAT + worker * ROW_FLOATS + ROW[field];
}

/** What may be chosen by `[cache] eviction`, by its code in the header. */
export const POLICIES = ["s3-fifo", "lru"] as const;
export type Policy = (typeof POLICIES)[number];

export const SLOT_BYTES = 64;

/** 32-bit words of a slot. */
export const WORD = {
  /** 0 in a free slot. */
  h1: 0,
  h2: 1,
  /** In a queue: neighbour + 1. In an orphan: the next orphan + 1. */
  next: 2,
  /** Under `lru`, where what is live is in no queue: when it was last asked for. Shares the place of `next`. */
  stamp: 2,
  prev: 3,
  /** Of a slot in no queue: the thread that works on it, + 1; 0 for an orphan. Shares the place of `prev`. */
  holder: 3,
  bytesLow: 4,
  /** Length of the id, ext, size, and lowest the high byte of the length. */
  kind: 5,
  validatorHigh: 6,
  validatorLow: 7,
  modified: 8,
  id: 12,
  /** First cell + 1 of the rest of an id that does not fit. */
  cell: 15,
} as const;

/** 16-bit halves of a slot. */
export const HALF = {
  width: 18,
  height: 19,
  /** Keys that were pushed past this position: a probe ends where it is 0, so there are no tombstones. */
  passed: 22,
  /** Odd while the slot is being written; readers that see it change look again. */
  version: 23,
} as const;

/** Bytes of a slot. `freq` is a byte of its own because hits write it without the lock. */
export const OCTET = {
  bytesHigh: 20,
  size: 21,
  ext: 22,
  idChars: 23,
  state: 40,
  queue: 41,
  freq: 42,
  flags: 43,
  id: 48,
} as const;

export const STATE = {
  free: 0,
  live: 1,
  /** A victim whose file is not unlinked yet: a miss, and nothing may be published under its name. */
  dying: 2,
  /** Claimed by a publisher whose file is not renamed yet. */
  coming: 3,
  /** Forgotten while it was coming: its publisher removes it. */
  doomed: 4,
} as const;

export const FLAG = {
  alpha: 1,
  animated: 2,
  /** Nobody has looked at the file since a crash may have spoiled it: not to be served before its digest is right. */
  doubtful: 4,
  lossyShift: 3,
  /** More lossy steps than this are kept as this many. */
  lossyMax: 31,
} as const;

/** The byte `freq`: hits since the slot's last move, and above them the sweeps since its last hit. */
export const USE = {
  hitsMax: 3,
  sweep: 4,
  sweepsMax: 63,
} as const;

/** Ids of up to this many characters (6 bits each) lie in the slot whole. */
export const INLINE_CHARS_MAX = 21;
/** Longer ones leave this many in the slot; the rest lies in cells of the arena. */
export const INLINE_CHARS_LONG = 16;
export const CELL_CHARS = 16;
export const CELL_WORDS = 3;
/** A link word and three of characters. */
export const CELL_BYTES = 16;

export const GHOST_BYTES = 8;
export const GHOST_WAYS = 4;

/**
 * Slots, cells and ghosts' buckets lie in regions of 2^REGION_BITS each, a SharedArrayBuffer a region. The runtime
 * allows 4 GiB; with 2 GiB of slots every position in a region is a 32-bit integer, which is what it computes fast with.
 */
export const REGION_BITS = 25;
/** Numbers of slots + 1 are kept in 32 bits with a sign. */
export const SLOTS_MAX = 2 ** 31 - 2;
