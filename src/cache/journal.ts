/**
 * The journal of the cache: what is on disk and what is known of it, as lines of text.
 *
 * A record is a line of 8 hex digits of xxHash32 over the rest, a blank, and the rest:
 *   B boot                                                             begun, and in which life of the machine
 *   S size shape                                                       what a size says in this file, before all of it
 *   P relname bytes validator modified width height flags queue freq digest [source]   published (freq:
 *     layout.ts USE; digest: xxHash64 of the file, `=` where the validator is that; source: Unix seconds at
 *     which its source was read, at the earliest; left out when unknown)
 *   L relname width height flags                                       facts learned
 *   D relname                                                          forgotten or evicted
 * with a newline before and after it, so that a torn record or garbage spoils nothing but itself. Files are
 * `.mir/journal.N`, replayed by rising N over the checkpoint that names the first of them (checkpoint.ts). Records
 * go out before the rename or unlink they tell of; only those of pinned variants are fsynced: a file without a
 * record is unlinked after a restart, and a record without its file is dropped when that is missed.
 */

import {
  closeSync,
  constants,
  fdatasyncSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { hash32 } from "./hash.ts";

export type JournalRecord =
  | { readonly kind: "begin"; readonly boot: string }
  | { readonly kind: "shape"; readonly size: string; readonly shape: string }
  | { readonly kind: "publish"; readonly fields: PublishFields }
  | { readonly kind: "learn"; readonly relname: string; readonly facts: FactFields }
  | { readonly kind: "forget"; readonly relname: string };

/** Of one variant. */
export type VariantRecord = Exclude<JournalRecord, { kind: "begin" | "shape" }>;

export interface FactFields {
  readonly width: number;
  readonly height: number;
  /** As FLAG lays them out. */
  readonly flags: number;
}

export interface PublishFields extends FactFields {
  readonly relname: string;
  readonly bytes: number;
  /** 16 hex digits. */
  readonly validator: string;
  readonly modified: number;
  readonly queue: number;
  readonly freq: number;
  /** xxHash64 of the file, 16 hex digits. */
  readonly digest: string;
  /** Unix seconds; undefined when unknown. */
  readonly sourceAt?: number | undefined;
}

const CHECK_SEED = 0x6d6972;
const CHUNK_BYTES = 1 << 20;

const PUBLISHED =
  /^P (\S+) (\d{1,13}) ([0-9a-f]{16}) (\d{1,10}) (\d{1,5}) (\d{1,5}) (\d{1,3}) ([01]) (\d{1,3}) ([0-9a-f]{16}|=)(?: (\d{1,11}))?$/;
const BEGUN = /^B ([0-9a-f-]{1,64})$/;
const SHAPED = /^S (\S+) (.{1,64})$/;
const LEARNED = /^L (\S+) (\d{1,5}) (\d{1,5}) (\d{1,3})$/;
const FORGOTTEN = /^D (\S+)$/;

export function publishRecord(f: PublishFields): string {
  const facts = `${f.width} ${f.height} ${f.flags}`;
  const source = f.sourceAt === undefined ? "" : ` ${f.sourceAt}`;
  const digest = f.digest === f.validator ? "=" : f.digest;
  return checkedRecord(
    `P ${f.relname} ${f.bytes} ${f.validator} ${f.modified} ${facts} ${f.queue} ${f.freq} ${digest}${source}`,
  );
}

/** The first record of every file; `boot` is "" where the system does not tell. */
export function beginRecord(boot: string): string {
  return checkedRecord(`B ${boot === "" ? "-" : boot}`);
}

/** `shape` as CacheMemory.shapes has it. */
export function shapeRecord(size: string, shape: string): string {
  return checkedRecord(`S ${size} ${shape}`);
}

export function learnRecord(relname: string, f: FactFields): string {
  return checkedRecord(`L ${relname} ${f.width} ${f.height} ${f.flags}`);
}

export function forgetRecord(relname: string): string {
  return checkedRecord(`D ${relname}`);
}

/** A line that tells a reader whether it is whole. */
export function checkedRecord(body: string): string {
  return `\n${checkOf(body)} ${body}\n`;
}

function checkOf(body: string): string {
  return (hash32(body, CHECK_SEED) >>> 0).toString(16).padStart(8, "0");
}

/** What a line says, without its newline; undefined when it is torn or garbage. */
export function checkedBody(line: string): string | undefined {
  const body = line.slice(9);
  return line.charCodeAt(8) === 32 && line.slice(0, 8) === checkOf(body) ? body : undefined;
}

/** A line without its newline; undefined when it is torn or garbage. */
export function parseRecord(line: string): JournalRecord | undefined {
  const body = checkedBody(line);
  if (body === undefined) return undefined;
  const p = PUBLISHED.exec(body);
  if (p !== null) return { kind: "publish", fields: publishedFields(p) };
  const b = BEGUN.exec(body);
  if (b !== null) return { kind: "begin", boot: b[1] ?? "" };
  const s = SHAPED.exec(body);
  if (s !== null) return { kind: "shape", size: s[1] ?? "", shape: s[2] ?? "" };
  const l = LEARNED.exec(body);
  if (l !== null) {
    const facts = { width: Number(l[2]), height: Number(l[3]), flags: Number(l[4]) };
    return { kind: "learn", relname: l[1] ?? "", facts };
  }
  const d = FORGOTTEN.exec(body);
  return d === null ? undefined : { kind: "forget", relname: d[1] ?? "" };
}

function publishedFields(p: RegExpExecArray): PublishFields {
  const [, relname = "", bytes, validator = "", modified, width, height, flags] = p;
  const [queue, freq, digest = ""] = p.slice(8);
  return {
    relname,
    validator,
    bytes: Number(bytes),
    modified: Number(modified),
    width: Number(width),
    height: Number(height),
    flags: Number(flags),
    queue: Number(queue),
    freq: Number(freq),
    digest: digest === "=" ? validator : digest,
    ...(p[11] === undefined ? {} : { sourceAt: Number(p[11]) }),
  };
}

/** The appending side; each thread has its own, all on the same file. */
export interface Journal {
  /** Appends to journal file `number`, at most LIMITS.journalRecordBytesMax a write; throws what the file system says. */
  append(number: number, records: readonly string[]): void;
  /** Makes what was appended last survive a loss of power. */
  sync(): void;
  close(): void;
}

export function openJournal(dir: string): Journal {
  let fd: number | undefined;
  let opened = -1;

  function close(): void {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  }

  return {
    append(number, records) {
      if (fd === undefined || number !== opened) {
        close();
        // main has made the file; one that is gone was replaced by a snapshot which covers this record
        fd = openSync(journalPath(dir, number), constants.O_WRONLY | constants.O_APPEND);
        opened = number;
      }
      for (const text of groups(records)) writeWhole(fd, text);
    },
    sync() {
      if (fd !== undefined) fdatasyncSync(fd);
    },
    close,
  };
}

/** One write a call: O_APPEND keeps the records of several threads apart. */
function writeWhole(fd: number, text: string): void {
  const written = writeSync(fd, text);
  if (written !== text.length) throw new Error(`journal took ${written} of ${text.length} bytes`);
}

function* groups(records: readonly string[]): Generator<string> {
  let group = "";
  for (const one of records) {
    if (group !== "" && group.length + one.length > LIMITS.journalRecordBytesMax) {
      yield group;
      group = "";
    }
    group += one;
  }
  if (group !== "") yield group;
}

export function metaDir(dir: string): string {
  return join(dir, ".mir");
}

export function journalPath(dir: string, number: number): string {
  return join(metaDir(dir), `journal.${number}`);
}

/** Numbers of the journal files there are, rising. */
export function journalNumbers(dir: string): number[] {
  return readdirSync(metaDir(dir))
    .map((name) => /^journal\.(\d{1,9})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Every line of a journal file, undefined for what is no record. Lines are bounded, the file is not. */
export function* readJournal(path: string): Generator<JournalRecord | undefined> {
  const fd = openSync(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = "";
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) {
      const lines = (rest + chunk.toString("latin1", 0, count)).split("\n");
      rest = (lines.pop() ?? "").slice(0, LIMITS.journalRecordBytesMax);
      for (const line of lines) if (line !== "") yield parseRecord(line);
    }
    if (rest !== "") yield parseRecord(rest);
  } finally {
    closeSync(fd);
  }
}
