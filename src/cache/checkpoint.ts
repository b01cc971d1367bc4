/**
 * Checkpoints: the index as it is, in one file that takes the place of the journal so far.
 *
 * The journal goes on in a new file first, then the live slots are copied bit by bit, in the order of their queues.
 * What changes meanwhile is in the new journal file, whose number the checkpoint names: replayed over the checkpoint,
 * it leads to the same state whether a slot was copied before or after a change. A slot whose file was just coming is
 * not copied; its publisher sees that the journal has gone on and repeats its record (publish.ts). The file is written
 * aside, fsynced and renamed; only then the journal files before it go. One without any journal file from its number
 * on is that of a clean stop.
 */

import { existsSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { syncFolder } from "../base/durable.ts";
import { isMissing } from "../base/errno.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import { bootId } from "./boot.ts";
import {
  CHECKPOINT_FORMAT,
  CHUNK_BYTES_MAX,
  type CheckpointHead,
  type CheckpointWriter,
  checkpointPath,
  writeCheckpointFile,
} from "./checkpoint-file.ts";
import { finished, finishedInTurns } from "./file-digest.ts";
import { beginRecord, journalNumbers, journalPath, metaDir, shapeRecord } from "./journal.ts";
import { HEADER, LAYOUT_VERSION, SUM } from "./layout.ts";
import { accounted, addReserved } from "./ledger.ts";
import { mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { NO_COUNTERS, openStore } from "./open-store.ts";
import { reserve } from "./reservation.ts";
import { copyImage, IMAGE_WORDS_MAX } from "./slot-image.ts";
import type { Store } from "./store.ts";
import type { Tombstones } from "./tombstones.ts";
import { addSum, sum, word } from "./view.ts";
import { walkLive } from "./walk.ts";

/** Of a small cache the journal may take this share before a checkpoint is due. */
const IDLE_SHARE = 1 / 16;
/** The journal may have this share of the checkpoint's bytes: so much more is written than is recorded. */
const JOURNAL_SHARE = 1 / 16;
const CHUNK_WORDS = CHUNK_BYTES_MAX / 4;

export interface CheckpointOptions {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly tombstones: Pick<Tombstones, "ages">;
}

/**
 * Bounds the journal, and with it the time of a restart and what a crash leaves in doubt. One is due when the journal has
 * over `idleBytes`, over a sixteenth of a small capacity, and over a sixteenth of what the last checkpoint had; with an
 * `idleBytes` of 0 at once. True when it was taken; false when there was no need or no room. For main, one call at a time.
 */
export async function takeCheckpoint(
  options: CheckpointOptions & { readonly idleBytes?: number },
): Promise<boolean> {
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  const { dir } = store;
  const path = asidePath(dir);
  try {
    if (!isDue(store, options.idleBytes ?? LIMITS.journalIdleBytes)) return false;
    const startMs = store.clock.monotonicMs();
    const journal = turnOver(store);
    // when the journal itself has eaten the room, a checkpoint that is smaller is the way out
    using room = reserve(store, 0);
    const grow = (bytes: number): boolean => room === undefined || room.grow(bytes);
    const written = await finishedInTurns(
      writeCheckpoint(store, { path, journal, tombstones: options.tombstones, grow }),
    );
    if (written === undefined) return false;
    settle(store, { path, journal, bytes: written.bytes, room });
    const ms = Math.round(store.clock.monotonicMs() - startMs);
    store.log.info("cache.checkpoint", { dir, ...written, ms });
    return true;
  } catch (error) {
    const effect = "the journal stays long, and the next start takes longer";
    store.log.error("cache.checkpoint_failed", { error, dir, effect });
    return false;
  } finally {
    removeIfThere(path);
    store.close();
  }
}

/** At a clean stop, once the workers are gone: the next start goes on as if there had been none. Throws what the disk says. */
export function saveCache(options: CheckpointOptions): void {
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  const path = asidePath(store.dir);
  try {
    const journal = nextJournal(store);
    const { tombstones } = options;
    const written = finished(
      writeCheckpoint(store, { path, journal, tombstones, grow: () => true }),
    );
    // without workers nobody writes to a journal any more, and none is made: that is the mark of a clean stop
    settle(store, { path, journal, bytes: written?.bytes ?? 0, room: undefined });
    store.view.words[HEADER.journal] = journal;
    store.view.sums[SUM.journal] = 0;
    store.view.sums[SUM.oldJournals] = 0;
  } finally {
    removeIfThere(path);
    store.close();
  }
}

/** Makes a journal file and its first records; its bytes. Its name is durable: without it a crash would look like a clean stop. */
export function beginJournal({ dir, view }: Store, number: number): number {
  const { sizes, shapes } = view;
  const said = sizes.map((size, i) => shapeRecord(size, shapes[i] ?? ""));
  const text = beginRecord(bootId()) + said.join("");
  mkdirSync(join(metaDir(dir), "tmp"), { recursive: true, mode: 0o700 });
  writeFileSync(journalPath(dir, number), text, { mode: 0o600 });
  syncFolder(metaDir(dir));
  return text.length;
}

function asidePath(dir: string): string {
  return join(metaDir(dir), "tmp", "checkpoint");
}

function isDue({ view, dir }: Store, idleBytes: number): boolean {
  // somebody has tidied the journal away: without one nothing is kept any more
  if (!existsSync(journalPath(dir, word(view, HEADER.journal)))) return true;
  const bytes = sum(view, SUM.journal) + sum(view, SUM.oldJournals);
  if (idleBytes === 0) return bytes > 0;
  const idle = Math.min(idleBytes, sum(view, SUM.capacity) * IDLE_SHARE);
  return bytes > Math.max(idle, sum(view, SUM.checkpoint) * JOURNAL_SHARE);
}

function nextJournal({ view, dir }: Store): number {
  const there = existsSync(metaDir(dir)) ? journalNumbers(dir) : [];
  return Math.max(there.at(-1) ?? 0, word(view, HEADER.journal)) + 1;
}

/** New records go to a new file from here on; its number. */
function turnOver(store: Store): number {
  const { view } = store;
  const next = nextJournal(store);
  const bytes = beginJournal(store, next);
  mustLock(store);
  addSum(view, SUM.oldJournals, accounted(sum(view, SUM.journal)));
  view.sums[SUM.journal] = bytes;
  view.words[HEADER.journal] = next;
  unlock(view);
  return next;
}

interface Written {
  readonly variants: number;
  readonly bytes: number;
}

interface Plan {
  readonly path: string;
  readonly journal: number;
  readonly tombstones: Pick<Tombstones, "ages">;
  /** False: there is no room for so many bytes more. */
  readonly grow: (bytes: number) => boolean;
}

/** Yields between turns; undefined when room ran out. */
function* writeCheckpoint(store: Store, plan: Plan): Generator<void, Written | undefined> {
  // after the turn-over: what is not written there yet is recorded again behind it
  const digests = store.digests.readAll();
  using file = writeCheckpointFile(plan.path);
  writeHead(store, file, plan);
  const words = new Int32Array(CHUNK_WORDS);
  let at = 0;
  let variants = 0;
  const flush = (): void => {
    file.chunk("images", new Uint8Array(words.buffer, 0, at * 4));
    at = 0;
  };
  let paid = 0;
  const pay = (): boolean => {
    const owed = file.bytes - paid;
    paid = file.bytes;
    return plan.grow(owed);
  };
  const copy = (slot: number): void => {
    if (at + IMAGE_WORDS_MAX > CHUNK_WORDS) flush();
    at += copyImage(store.view, slot, digests, { words, at });
    variants++;
  };
  for (const _ of walkLive(store, copy)) {
    if (!pay()) return undefined;
    yield;
  }
  flush();
  file.chunk("end", Buffer.from(JSON.stringify({ variants })));
  if (!pay()) return undefined;
  file.sync();
  return { variants, bytes: file.bytes };
}

function writeHead({ view }: Store, file: CheckpointWriter, plan: Plan): void {
  const { seed1, seed2, sizes, shapes } = view;
  const head: CheckpointHead = {
    format: CHECKPOINT_FORMAT,
    layout: LAYOUT_VERSION,
    boot: bootId(),
    seeds: [seed1, seed2],
    sizes,
    shapes,
    recency: word(view, HEADER.recency),
    journal: plan.journal,
  };
  file.chunk("head", Buffer.from(JSON.stringify(head)));
  let text = "";
  for (const [id, sourceAt] of plan.tombstones.ages()) {
    text += `${id} ${sourceAt}\n`;
    if (text.length < CHUNK_BYTES_MAX / 2) continue;
    file.chunk("ages", Buffer.from(text, "latin1"));
    text = "";
  }
  if (text !== "") file.chunk("ages", Buffer.from(text, "latin1"));
}

/** Puts the checkpoint in its place, removes what it replaces, then accounts it. */
function settle(
  store: Store,
  done: Pick<Plan, "path" | "journal"> & {
    readonly bytes: number;
    readonly room: ReturnType<typeof reserve>;
  },
): void {
  const { view, dir } = store;
  renameSync(done.path, checkpointPath(dir));
  syncFolder(metaDir(dir));
  const old = journalNumbers(dir).filter((number) => number < done.journal);
  for (const number of old) unlinkSync(journalPath(dir, number));
  const amount = done.room?.amount;
  mustLock(store);
  if (amount !== undefined) addReserved(view, store.worker, amount, -1);
  view.sums[SUM.checkpoint] = done.bytes;
  view.sums[SUM.oldJournals] = 0;
  unlock(view);
  done.room?.spend();
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // renamed, as it should be
    if (!isMissing(error)) throw error;
  }
}
