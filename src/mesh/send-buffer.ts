/** Buffers that answers are sent from: pooled, and bounded in what many slow receivers can hold. */

const KiB = 1024;
/** Bodies up to 1 MiB go through the small ones; above, fewer and larger reads are cheaper (spikes C). */
const SMALL_BYTES = 256 * KiB;
const LARGE_FROM_BYTES = 1024 * KiB;
/** Room for what belongs around a piece, so that 2 MiB leave in two. */
const LARGE_BYTES = LARGE_FROM_BYTES + 4 * KiB;
/** Kept for the next answer. */
const SMALL_SPARE_MAX = 16;
const LARGE_SPARE_MAX = 4;
/** In use at once; whoever comes later has to do with a small one. */
const LARGE_MAX = 32;

/** Bytes a read must stay away from the start: offsets 8 and 16 are many times slower (spikes 0.3). */
export const READ_AT = 64;

const small: Uint8Array[] = [];
const large: Uint8Array[] = [];
let largeInUse = 0;

/** Whether a body and what belongs around it always have room in one buffer. */
export function fitsInBuffer(bodyBytes: number, aroundBytes: number): boolean {
  return bodyBytes + aroundBytes <= SMALL_BYTES;
}

/** For a body of that many bytes; to be given back by `giveBuffer`. */
export function takeBuffer(bodyBytes: number): Uint8Array {
  if (bodyBytes <= LARGE_FROM_BYTES || largeInUse >= LARGE_MAX) {
    return small.pop() ?? new Uint8Array(SMALL_BYTES);
  }
  largeInUse++;
  return large.pop() ?? new Uint8Array(LARGE_BYTES);
}

/** Only when nothing is being written from it any more. */
export function giveBuffer(buffer: Uint8Array): void {
  if (buffer.length === SMALL_BYTES) {
    if (small.length < SMALL_SPARE_MAX) small.push(buffer);
    return;
  }
  largeInUse--;
  if (large.length < LARGE_SPARE_MAX) large.push(buffer);
}
