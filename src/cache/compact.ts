/** A journal that says only what is true now: one record a live variant. */

import { closeSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseRelname } from "../base/variant.ts";
import { journalNumbers, journalPath, metaDir, publishRecord } from "./journal.ts";
import { FLAG, HALF, HEADER, OCTET, SUM, WORD } from "./layout.ts";
import { validatorText } from "./meta.ts";
import { nameOf } from "./names.ts";
import { isPinned } from "./pins.ts";
import type { Purged } from "./purged.ts";
import { headOf, nextOf, QUEUES, SMALL } from "./queues.ts";
import { bytesOf } from "./slots.ts";
import { slotHalf, slotOctet, slotWord, type View, word } from "./view.ts";

/** A snapshot is written in pieces of this many characters. */
export const WRITE_CHARS = 1 << 18;

/** How new the variants of an id are at least. */
type Ages = Pick<Purged, "sourceAt">;

/**
 * Replaces all journal files by one that says each live variant once, in the order of the queues, with its
 * hits. Under the lock, or before workers run. For its time both lie on disk and only one is accounted.
 */
export function replaceJournals(view: View, dir: string, purged: Ages): void {
  const old = journalNumbers(dir);
  const number = Math.max(old.at(-1) ?? 0, word(view, HEADER.journal)) + 1;
  const tempPath = snapshotPath(dir, number);
  view.sums[SUM.journal] = writeSnapshot(view, tempPath, purged);
  renameSync(tempPath, journalPath(dir, number));
  view.words[HEADER.journal] = number;
  for (const one of old) unlinkSync(journalPath(dir, one));
  view.sums[SUM.oldJournals] = 0;
}

/** Where the file that will be journal `number` is written. */
export function snapshotPath(dir: string, number: number): string {
  return join(metaDir(dir), "tmp", `journal.${number}`);
}

function writeSnapshot(view: View, path: string, purged: Ages): number {
  const fd = openSync(path, "w", 0o600);
  let bytes = 0;
  try {
    let text = "";
    for (const queue of QUEUES) {
      for (let slot = headOf(view, queue); slot >= 0; slot = nextOf(view, slot)) {
        text += recordOf(view, slot, purged);
        if (text.length < WRITE_CHARS) continue;
        bytes += writeAll(fd, text);
        text = "";
      }
    }
    return bytes + writeAll(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** The record that would restore a slot; under the lock or before workers run. */
export function recordOf(view: View, slot: number, purged: Ages): string {
  const relname = nameOf(view, slot);
  return publishRecord({
    relname,
    sourceAt: purged.sourceAt(parseRelname(relname)?.id ?? ""),
    bytes: bytesOf(view, slot),
    validator: validatorText(
      slotWord(view, slot, WORD.validatorHigh),
      slotWord(view, slot, WORD.validatorLow),
    ),
    modified: slotWord(view, slot, WORD.modified) >>> 0,
    width: slotHalf(view, slot, HALF.width),
    height: slotHalf(view, slot, HALF.height),
    flags: slotOctet(view, slot, OCTET.flags) & ~FLAG.seen,
    // what is pinned is for the outbox to say
    queue: isPinned(view, slot) ? SMALL : slotOctet(view, slot, OCTET.queue),
    freq: slotOctet(view, slot, OCTET.freq),
  });
}

/** All of an ASCII text; its bytes. */
export function writeAll(fd: number, text: string): number {
  const bytes = Buffer.from(text, "latin1");
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return bytes.length;
}
