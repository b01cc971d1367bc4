/**
 * The outbox: which uploads this node has acknowledged and not yet handed on (spec §2 "upload" step 3).
 *
 * A record is a file of `{cache_dir}/.mir/outbox/`, durable before `add` returns; its picture is the pinned
 * file of the same relname in the cache. What cannot be handed on lies in `aside/` with its picture kept.
 */

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { syncFolder, writeDurably } from "../base/durable.ts";
import { errnoOf, isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import { mendOutboxFolder } from "./mend-outbox.ts";
import { fileNameOf, formatRecord, type OutboxRecord, parseOutboxRecord } from "./outbox-record.ts";
import { writeFault } from "./write-fault.ts";

export interface Outbox {
  /**
   * Durable when it returns; call it after the picture was published pinned, and acknowledge after it. The same
   * bytes again change nothing; other bytes under the name are `conflict`. Beyond the limit: `overloaded`. What
   * cannot be written: `disk_full`, `unwritable`.
   */
  add(record: OutboxRecord): void;
  /** After the next hop vouches for it, or it was withdrawn; durable too. Then the picture may be unpinned. */
  remove(relname: string): void;
  /** Takes it out of what is handed on, and keeps it for people to look at. */
  setAside(relname: string): void;
  /** How many wait to be handed on. */
  pending(): number;
  /** Those that wait, the oldest first. */
  list(): readonly OutboxRecord[];
  /** Those set aside. */
  aside(): readonly OutboxRecord[];
  /** The record that waits under a name. */
  get(relname: string): OutboxRecord | undefined;
  /** Whether `add` has no place for one more. */
  full(): boolean;
  /**
   * Makes its folders again where somebody has removed them, with the records of pictures that are still here; the
   * others are lost, and told. Called now and then, and by an `add` that finds no folder.
   */
  look(): void;
  /** What of its folders cannot be mended, in a line. */
  trouble(): string | undefined;
  /** Calls `listener` after each `add`. */
  onAdd(listener: () => void): void;
}

const RETRY_AFTER_MS = 60_000;
const TEMP_SUFFIX = ".tmp";
/** What cannot be read is kept under this suffix, for people. */
const BAD_SUFFIX = ".bad";

/** For main, once the cache directory is locked. Throws what the file system says. */
export function openOutbox(options: {
  /** `{cache_dir}/.mir/outbox`. */
  readonly dir: string;
  readonly log: Log;
  readonly recordsMax?: number;
  /** Told how many files came or went, each under LIMITS.outboxRecordBytesMax; those found at first apart. */
  readonly filesChanged?: (count: number) => void;
  /** Whether the picture of a record is still here. */
  readonly isKept?: (relname: string) => boolean;
  /** A record is gone with its picture. */
  readonly lost?: (record: OutboxRecord) => void;
}): Outbox {
  const { dir, log, recordsMax = LIMITS.outboxMax, filesChanged = () => {} } = options;
  const asideDir = join(dir, "aside");
  mkdirSync(asideDir, { recursive: true, mode: 0o700 });
  const waiting = readFolder(dir, log);
  const aside = readFolder(asideDir, log);
  // a crash while one was taken back
  for (const relname of waiting.keys()) if (aside.delete(relname)) removeFile(asideDir, relname);
  let listener = (): void => {};
  const mender = makeMender({ ...options, filesChanged, waiting, aside, asideDir });

  const full = (): boolean => waiting.size + aside.size >= recordsMax;

  return {
    add(record) {
      const { relname, sha256 } = record;
      const known = waiting.get(relname) ?? aside.get(relname);
      if (known !== undefined && known.sha256 !== sha256) {
        throw new Fault("conflict", "other bytes are on their way under this id");
      }
      if (waiting.has(relname)) return;
      if (known === undefined && full()) {
        throw new Fault("overloaded", "too many uploads wait to be handed on", {
          retryAfterMs: RETRY_AFTER_MS,
        });
      }
      addRecord(dir, record, { look: mender.look, log });
      if (aside.delete(relname)) removeFile(asideDir, relname);
      else filesChanged(1);
      waiting.set(relname, record);
      listener();
    },
    remove(relname) {
      const among = waiting.has(relname) ? waiting : aside;
      if (!among.has(relname)) return;
      removeFile(among === waiting ? dir : asideDir, relname);
      among.delete(relname);
      filesChanged(-1);
    },
    setAside(relname) {
      const record = waiting.get(relname);
      if (record === undefined) return;
      const name = fileNameOf(relname);
      renameSync(join(dir, name), join(asideDir, name));
      syncFolder(asideDir);
      syncFolder(dir);
      waiting.delete(relname);
      aside.set(relname, record);
    },
    pending: () => waiting.size,
    list: () => [...waiting.values()],
    aside: () => [...aside.values()],
    get: (relname) => waiting.get(relname),
    full,
    ...mender,
    onAdd(next) {
      listener = next;
    },
  };
}

function makeMender(
  options: Pick<Parameters<typeof openOutbox>[0], "dir" | "isKept" | "lost" | "log"> & {
    readonly filesChanged: (count: number) => void;
    readonly waiting: Map<string, OutboxRecord>;
    readonly aside: Map<string, OutboxRecord>;
    readonly asideDir: string;
  },
): Pick<Outbox, "look" | "trouble"> {
  const { dir, asideDir, waiting, aside, log, filesChanged } = options;
  const { isKept = () => true, lost = () => {} } = options;
  let trouble: string | undefined;
  const mend = (folder: string, records: Map<string, OutboxRecord>): void => {
    const pending = records.size;
    const mended = mendOutboxFolder({ dir: folder, records }, { isKept, write: writeRecord });
    if (mended === undefined || (pending === 0 && folder === asideDir)) return;
    log.error("outbox.removed", {
      ...{ dir: folder, pending, written: mended.written, lost: mended.lost.length },
      example: mended.lost[0]?.relname,
      effect: "uploads whose picture is gone too cannot be handed on: upload them again",
    });
    filesChanged(-mended.lost.length);
    for (const record of mended.lost) lost(record);
  };
  return {
    look() {
      try {
        mend(dir, waiting);
        mend(asideDir, aside);
        trouble = undefined;
      } catch (error) {
        trouble = `the outbox ${dir} cannot be written: ${errnoOf(error) ?? String(error)}`;
        log.error("outbox.not_mended", { dir, error, effect: "uploads are refused" });
      }
    },
    trouble: () => trouble,
  };
}

function addRecord(
  dir: string,
  record: OutboxRecord,
  { look, log }: Pick<Outbox, "look"> & { readonly log: Log },
): void {
  try {
    try {
      writeRecord(dir, record);
    } catch (error) {
      if (!isMissing(error)) throw error;
      look();
      writeRecord(dir, record);
    }
  } catch (error) {
    log.error("outbox.not_written", { dir, error, effect: "an upload is refused" });
    throw writeFault(error);
  }
}

function writeRecord(dir: string, record: OutboxRecord): void {
  const path = join(dir, fileNameOf(record.relname));
  writeDurably({ path, tempPath: `${path}${TEMP_SUFFIX}`, text: formatRecord(record) });
}

function removeFile(dir: string, relname: string): void {
  try {
    unlinkSync(join(dir, fileNameOf(relname)));
    syncFolder(dir);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Records by relname, the oldest first. Temporary files were never acknowledged and go. */
function readFolder(dir: string, log: Log): Map<string, OutboxRecord> {
  const records: OutboxRecord[] = [];
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (name.endsWith(TEMP_SUFFIX)) unlinkSync(path);
    if (!name.endsWith(".json")) continue;
    const record = readRecord(path);
    if (record !== undefined && fileNameOf(record.relname) === name) records.push(record);
    else putAway(path, log);
  }
  records.sort((a, b) => a.createdAt - b.createdAt || (a.relname < b.relname ? -1 : 1));
  return new Map(records.map((record) => [record.relname, record]));
}

function readRecord(path: string): OutboxRecord | undefined {
  if (statSync(path).size > LIMITS.outboxRecordBytesMax) return undefined;
  return parseOutboxRecord(readFileSync(path, "utf8"));
}

/** Only a damaged disk, or a person, makes such a file: records are renamed in when they are whole. */
function putAway(path: string, log: Log): void {
  renameSync(path, `${path}${BAD_SUFFIX}`);
  log.error("outbox.unreadable", {
    path: `${path}${BAD_SUFFIX}`,
    effect: "an upload that was acknowledged may not be handed on",
    hint: "check the disk; upload the picture again",
  });
}
