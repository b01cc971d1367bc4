/** The journal of a run, begun at its start, and the account of what lies below `.mir` by then. */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "../base/errno.ts";
import { beginJournal } from "./checkpoint.ts";
import { checkpointPath } from "./checkpoint-file.ts";
import { yieldRoom } from "./disk.ts";
import { journalNumbers, journalPath, metaDir } from "./journal.ts";
import { HEADER, SUM } from "./layout.ts";
import { accounted, roomBytes } from "./ledger.ts";
import { giveRoom, takeRoom } from "./room.ts";
import type { Store } from "./store.ts";
import { word } from "./view.ts";

const JOURNAL_TRIES = 4;
/** Made free for the journal before it is tried again: at least so much, and so much a variant. */
const JOURNAL_ROOM_BYTES = 1 << 20;
const JOURNAL_ROOM_SHARE = 256;

/**
 * Where the disk is full what is cached makes room for its own journal. `first` is the least number it may have.
 */
export function startJournalInRoom(store: Store, first: number): void {
  for (let tries = JOURNAL_TRIES; ; tries--) {
    try {
      startJournal(store, first);
      return;
    } catch (error) {
      if (!isDiskFull(error) || tries === 1) throw error;
      const bytes = Math.max(
        JOURNAL_ROOM_BYTES,
        word(store.view, HEADER.live) * JOURNAL_ROOM_SHARE,
      );
      dropSome(store, bytes);
    }
  }
}

/** At least so many bytes, as far as there are as many. */
function dropSome(store: Store, bytes: number): void {
  yieldRoom(store);
  const amount = { bytes: Math.max(0, roomBytes(store.view)) + bytes, slots: 0 };
  if (takeRoom(store, amount)) giveRoom(store, amount);
}

/** Starts the journal of this run and counts what lies below `.mir`. */
function startJournal(store: Store, first: number): void {
  const { view, dir } = store;
  const before = journalNumbers(dir);
  const number = Math.max(before.at(-1) ?? 0, first - 1) + 1;
  view.sums[SUM.journal] = beginJournal(store, number);
  view.words[HEADER.journal] = number;
  store.digests.fit();
  const sizes = before.map((one) => accounted(lstatSync(journalPath(dir, one)).size));
  view.sums[SUM.oldJournals] = sizes.reduce((total, bytes) => total + bytes, 0);
  const checkpoint = lstatSync(checkpointPath(dir), { throwIfNoEntry: false });
  view.sums[SUM.checkpoint] = checkpoint?.size ?? 0;
  const counted = new Set(["tmp", "checkpoint", ...[...before, number].map((n) => `journal.${n}`)]);
  view.sums[SUM.other] = bytesBelow(metaDir(dir), counted);
}

/** Accounted bytes of the regular files of a folder and its folders. */
function bytesBelow(folder: string, except: ReadonlySet<string>): number {
  let bytes = 0;
  for (const found of readdirSync(folder, { withFileTypes: true })) {
    if (except.has(found.name)) continue;
    const path = join(folder, found.name);
    if (found.isDirectory()) bytes += bytesBelow(path, new Set());
    else if (found.isFile()) bytes += accounted(lstatSync(path).size);
  }
  return bytes;
}
