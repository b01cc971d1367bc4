/** A journal that says only what is true now: one record a live variant. */

import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { journalPath, metaDir, publishRecord } from "./journal.ts";
import { FLAG, HALF, OCTET, WORD } from "./layout.ts";
import { validatorText } from "./meta.ts";
import { nameOf } from "./names.ts";
import { headOf, nextOf, QUEUES } from "./queues.ts";
import { bytesOf } from "./slots.ts";
import { half, octet, type View, word, wordOf } from "./view.ts";

const WRITE_CHARS = 1 << 18;

/** Writes journal file `number` from the queues, in their order; its bytes. For main, before any worker runs. */
export function writeCompacted(view: View, dir: string, number: number): number {
  const tempPath = join(metaDir(dir), "tmp", "journal");
  const fd = openSync(tempPath, "w", 0o600);
  let bytes = 0;
  try {
    let text = "";
    for (const queue of QUEUES) {
      for (let slot = headOf(view, queue); slot >= 0; slot = nextOf(view, slot)) {
        text += recordOf(view, slot);
        if (text.length < WRITE_CHARS) continue;
        bytes += writeAll(fd, text);
        text = "";
      }
    }
    bytes += writeAll(fd, text);
  } finally {
    closeSync(fd);
  }
  renameSync(tempPath, journalPath(dir, number));
  return bytes;
}

/** The record that would restore a slot; under the lock or before workers run. */
export function recordOf(view: View, slot: number): string {
  const at = wordOf(slot);
  return publishRecord({
    relname: nameOf(view, slot),
    bytes: bytesOf(view, slot),
    validator: validatorText(
      word(view, at + WORD.validatorHigh),
      word(view, at + WORD.validatorLow),
    ),
    modified: word(view, at + WORD.modified) >>> 0,
    width: half(view, at * 2 + HALF.width),
    height: half(view, at * 2 + HALF.height),
    flags: octet(view, at * 4 + OCTET.flags) & ~FLAG.seen,
    queue: octet(view, at * 4 + OCTET.queue),
    freq: octet(view, at * 4 + OCTET.freq),
  });
}

/** All of an ASCII text; its bytes. */
export function writeAll(fd: number, text: string): number {
  const bytes = Buffer.from(text, "latin1");
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return bytes.length;
}
