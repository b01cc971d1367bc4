/**
 * The budget: bytes and slots, exact at every moment. Under the lock.
 *
 * used − owed + reserved + overhead ≤ capacity always holds, where
 *   used      accounted bytes of all taken slots, dying ones included until their file is gone;
 *   reserved  room promised to fills: no file yet, or a temporary one;
 *   owed      bytes of dying slots already promised to a reservation that waits for their unlink;
 *   overhead  the checkpoint, the journal and the other files below `.mir`.
 *
 * Where the file system has less than the capacity, what it has is the limit instead (disk.ts); that one may fall
 * below what is kept at any moment, and is restored by evicting.
 */

import { BLOCK_BYTES, HEADER, ROW, type RowField, rowFloat, SUM } from "./layout.ts";
import { addSum, sum, type View, word } from "./view.ts";

/** Kept free for the journal records of `forget`, which grow the journal just before they free a file. */
const JOURNAL_SLACK_BYTES = 4 * BLOCK_BYTES;
/** Every reservation carries this much more for its own journal record. */
export const RESERVATION_MARGIN_BYTES = BLOCK_BYTES;

/** A file counts as its bytes rounded up to 4 KiB (spec §11). */
export function accounted(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export interface Amount {
  readonly bytes: number;
  readonly slots: number;
}

export function overheadBytes(view: View): number {
  const journals = sum(view, SUM.oldJournals) + accounted(sum(view, SUM.journal));
  return sum(view, SUM.other) + journals + accounted(sum(view, SUM.checkpoint));
}

/** What may still be promised; negative for a moment when the journal grew without a reservation. */
export function roomBytes(view: View): number {
  const kept = sum(view, SUM.used) - sum(view, SUM.owed) + sum(view, SUM.reserved);
  return limitBytes(view) - JOURNAL_SLACK_BYTES - overheadBytes(view) - kept;
}

/** The capacity, or what the file system has where that is less. */
export function limitBytes(view: View): number {
  return Math.max(0, Math.min(sum(view, SUM.capacity), sum(view, SUM.diskBytes)));
}

export function roomSlots(view: View): number {
  const kept = word(view, HEADER.taken) - sum(view, SUM.owedSlots) + sum(view, SUM.reservedSlots);
  return limitSlots(view) - kept;
}

/** The places of the index, or what the file system has inodes for where that is less. */
export function limitSlots(view: View): number {
  return Math.max(0, Math.min(word(view, HEADER.variantsMax), sum(view, SUM.diskSlots)));
}

/** Whether evicting everything live that is not pinned would make room for this much. */
export function couldFit(view: View, want: Amount): boolean {
  return (
    roomBytes(view) + sum(view, SUM.live) - sum(view, SUM.pinned) >= want.bytes &&
    roomSlots(view) + word(view, HEADER.live) - word(view, HEADER.pinned) >= want.slots
  );
}

const SUM_OF = {
  reserved: SUM.reserved,
  owed: SUM.owed,
  reservedSlots: SUM.reservedSlots,
  owedSlots: SUM.owedSlots,
} as const satisfies Record<RowField, number>;

export function addReserved(view: View, worker: number, amount: Amount, sign: 1 | -1): void {
  addRow(view, worker, "reserved", amount.bytes * sign);
  addRow(view, worker, "reservedSlots", amount.slots * sign);
}

export function addOwed(view: View, worker: number, amount: Amount, sign: 1 | -1): void {
  addRow(view, worker, "owed", amount.bytes * sign);
  addRow(view, worker, "owedSlots", amount.slots * sign);
}

/** Takes back what a thread had reserved or was owed. */
export function clearRow(view: View, worker: number): void {
  for (const field of ROW_FIELDS) addRow(view, worker, field, -sum(view, rowFloat(worker, field)));
}

export const ROW_FIELDS = Object.keys(ROW) as RowField[];

/** Sum over all workers, for repair and the checker; `field`'s own sum must equal it. */
export function sumIndexOf(field: RowField): number {
  return SUM_OF[field];
}

/** Counts the bytes of journal records about to be written; the number of the file they belong into. */
export function chargeJournal(view: View, bytes: number): number {
  addSum(view, SUM.journal, bytes);
  return word(view, HEADER.journal);
}

function addRow(view: View, worker: number, field: RowField, amount: number): void {
  addSum(view, rowFloat(worker, field), amount);
  addSum(view, SUM_OF[field], amount);
}
