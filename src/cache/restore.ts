/** Main's part of the cache: bringing the index back at the start, mending it after a thread died. */

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Log } from "../observe/log.ts";
import { bootId } from "./boot.ts";
import { writeIfRoom } from "./digests.ts";
import { lockDir } from "./dir-lock.ts";
import { finished, finishedInTurns } from "./file-digest.ts";
import { journalNumbers, journalPath, metaDir } from "./journal.ts";
import { HEADER, SUM } from "./layout.ts";
import { overheadBytes, roomBytes } from "./ledger.ts";
import { type Load, loadImages, reshaped } from "./load-index.ts";
import { lockHolder, mustLock, unlock } from "./lock.ts";
import type { CacheMemory } from "./memory.ts";
import { type OpenCheckpoint, openCheckpoint } from "./open-checkpoint.ts";
import { NO_COUNTERS, openStore } from "./open-store.ts";
import { type PinnedFile, pinAll, takeInPinned } from "./pinned-files.ts";
import { makeEviction } from "./policy.ts";
import { type Journaled, readJournals } from "./read-journals.ts";
import { rebuild, takeBack } from "./rebuild.ts";
import { applyRecord } from "./replay.ts";
import { takeRoom } from "./room.ts";
import { startJournalInRoom } from "./start-journal.ts";
import type { Store } from "./store.ts";
import { openTombstones, type Tombstones } from "./tombstones.ts";
import { openView, sum, word } from "./view.ts";

export interface Restored extends Disposable {
  /** So far; see `load`. */
  readonly variants: number;
  /** Accounted, as in `Cache.usage`. */
  readonly bytes: number;
  /** What the index has no place for, or is from before a purge, so far. */
  readonly dropped: number;
  /** Journal lines that were no records. */
  readonly garbage: number;
  /** Relnames that were to be pinned and whose file is gone or damaged. */
  readonly lost: readonly string[];
  /** What was purged or blocked; for main. */
  readonly tombstones: Tombstones;
  /**
   * "clean": nothing happened since the checkpoint. "unclean": what did is in doubt until its digest was right. "partial":
   * records are lost; files without one may still be what they should be.
   */
  readonly state: "clean" | "unclean" | "partial";
  /** Brings in what of a large index is not there yet, while workers run; resolves when all of it is, or at `stopping`. */
  load(stopping?: () => boolean): Promise<void>;
  /** The same at once, before a checkpoint is taken. */
  loadNow(): void;
}

/**
 * Before any worker thread runs. Takes the directory for this node until the result is disposed or the process ends,
 * throwing a Fault when another node has it. Checkpoint and journal say what is on the disk; nobody looks there, so
 * that the time is that of reading them, and at most about `indexLoadMs` of it is spent here: the rest is for `load`.
 * What exceeds the capacity is evicted. Bringing index and directory together is for `reconcile`.
 *
 * What `pinned` names, asked once the directory is ours, is pinned whatever its share of the capacity. Its file
 * needs no record in the journal: one with the right bytes is taken in as it is described.
 */
export function restoreCache(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly pinned?: () => readonly PinnedFile[];
  readonly indexLoadMs?: number;
  /** Which life of the machine this is. */
  readonly boot?: string;
  /** Of the node, where another directory has them. */
  readonly tombstones?: Tombstones | undefined;
}): Restored {
  const { memory, dir, log, clock, boot = bootId() } = options;
  const startMs = clock.monotonicMs();
  mkdirSync(metaDir(dir), { recursive: true, mode: 0o700 });
  using opened = new DisposableStack();
  opened.use(lockDir(dir));
  const found = openCheckpoint(dir, log);
  const checkpoint = typeof found === "string" ? undefined : found;
  // before anything computes with them
  if (checkpoint !== undefined) adoptSeeds(memory, checkpoint);
  const store = openStore({ ...options, worker: 0, counters: NO_COUNTERS });
  opened.defer(() => store.close());
  emptyTemps(dir);
  const tombstones = options.tombstones ?? openTombstones(options);
  store.digests.hold();
  const past = readPast(store, checkpoint, boot);
  const load = checkpoint && loadImages(store, { ...past, checkpoint, tombstones });
  const unplaced = bringInJournaled(store, past);
  const endMs = startMs + (options.indexLoadMs ?? DEADLINES.indexLoadMs);
  let whole = load === undefined || stepUntil(load, () => clock.monotonicMs() >= endMs);
  startJournalInRoom(store, checkpoint?.head.journal ?? 1);
  writeIfRoom(() => store.digests.flush());
  const pins = new Map((options.pinned?.() ?? []).map((file) => [file.relname, file]));
  for (const file of pins.values()) takeInPinned(store, file);
  const lost = pinAll(store, pins);
  const { view } = store;

  const end = (): void => {
    whole = true;
    fitCapacity(store);
    const ms = Math.round(clock.monotonicMs() - startMs);
    const { dropped, state } = restored;
    log.info("cache.restored", {
      ...{ dir, state, variants: restored.variants, dropped, garbage: past.journaled.garbage },
      ...{ pinned: pins.size - lost.length, doubtful: word(view, HEADER.doubtful) === 1, ms },
    });
  };
  const lock = opened.move();
  const restored: Restored = {
    get variants() {
      return word(view, HEADER.live);
    },
    get bytes() {
      return sum(view, SUM.used) + overheadBytes(view);
    },
    get dropped() {
      return unplaced + (load?.dropped ?? 0);
    },
    garbage: past.journaled.garbage,
    lost,
    tombstones,
    get state() {
      if (past.partial || (load?.damaged ?? 0) > 0) return "partial";
      return past.clean ? "clean" : "unclean";
    },
    async load(stopping = () => false) {
      if (whole || load === undefined) return;
      await finishedInTurns(stoppable(load.steps, stopping));
      if (!stopping()) end();
    },
    loadNow() {
      if (whole || load === undefined) return;
      finished(load.steps);
      end();
    },
    [Symbol.dispose]: () => lock.dispose(),
  };
  if (whole) end();
  return restored;
}

/**
 * After a worker thread died, before another takes its number: takes back what it had reserved and was
 * working on, and its temporary files when `dir` is given. True when it died holding the lock, so that the
 * index had to be rebuilt; the order inside the queues is lost then.
 */
export function repairIndex(memory: CacheMemory, worker: number, dir?: string): boolean {
  const view = openView(memory);
  const held = lockHolder(view) === worker;
  if (!held) mustLock({ view, worker: 0, clock: systemClock });
  try {
    if (held) rebuild(view, makeEviction(view), worker);
    else takeBack(view, worker);
  } finally {
    unlock(view);
  }
  if (dir !== undefined) removeTemps(dir, (name) => name.startsWith(`${worker}-`));
  return held;
}

/** The numbers that names are hashed with, of the table that the checkpoint was taken of. */
function adoptSeeds(memory: CacheMemory, { head }: OpenCheckpoint): void {
  const words = new Int32Array(memory.head);
  [words[HEADER.seed1], words[HEADER.seed2]] = head.seeds;
  words[HEADER.recency] = head.recency;
}

interface Past {
  readonly journaled: Journaled;
  readonly clean: boolean;
  /** There were records that nobody has any more. */
  readonly partial: boolean;
  /** The machine has died, or was stopped, since: what it was told to write it may not have written. */
  readonly doubtful: boolean;
}

/** Reads what the journal says since the checkpoint, and removes what is older: a stop came before that was done. */
function readPast(
  { dir, log, view }: Store,
  checkpoint: OpenCheckpoint | undefined,
  now: string,
): Past {
  const first = checkpoint?.head.journal ?? 1;
  const numbers = journalNumbers(dir);
  for (const number of numbers.filter((one) => one < first)) rmSync(journalPath(dir, number));
  const since = numbers.filter((one) => one >= first);
  const journaled = readJournals(dir, since, view);
  const sizes = new Set([
    ...(checkpoint ? reshaped(checkpoint.head, view) : []),
    ...journaled.reshaped,
  ]);
  if (sizes.size > 0) {
    const effect = "variants made as they were are dropped, and made again when asked for";
    log.warn("cache.sizes_changed", { dir, sizes: [...sizes], effect });
  }
  if (journaled.garbage > 0) {
    const effect = "what they told of is unlinked";
    log.warn("cache.journal_garbage", { dir, lines: journaled.garbage, effect });
  }
  const boots = new Set(journaled.boots);
  if (checkpoint !== undefined) boots.add(checkpoint.head.boot);
  const doubtful = now === "" || [...boots].some((boot) => boot !== now);
  // a directory that never had a checkpoint has its first journal
  const partial = checkpoint === undefined && since[0] !== 1;
  return { journaled, clean: checkpoint !== undefined && since.length === 0, partial, doubtful };
}

/** What was published since the checkpoint and is not gone again: in doubt, all of it. How many found no place. */
function bringInJournaled(store: Store, { journaled }: Past): number {
  let unplaced = 0;
  for (const fields of journaled.last.values()) {
    if (fields === undefined) continue;
    if (!applyRecord(store, { kind: "publish", fields }, true)) unplaced++;
  }
  return unplaced;
}

/** False when it was time before the end. */
function stepUntil({ steps }: Load, isLate: () => boolean): boolean {
  for (;;) {
    if (steps.next().done === true) return true;
    if (isLate()) return false;
  }
}

function* stoppable(steps: Generator<void, void>, stopping: () => boolean): Generator<void, void> {
  while (!stopping() && steps.next().done !== true) yield;
}

function emptyTemps(dir: string): void {
  mkdirSync(join(metaDir(dir), "tmp"), { recursive: true, mode: 0o700 });
  removeTemps(dir, () => true);
}

function removeTemps(dir: string, wanted: (name: string) => boolean): void {
  const folder = join(metaDir(dir), "tmp");
  for (const name of readdirSync(folder)) {
    if (wanted(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** The capacity may have been lowered since the last start. */
function fitCapacity(store: Store): void {
  const { view } = store;
  for (let before = -1; roomBytes(view) < 0 && word(view, HEADER.live) !== before; ) {
    before = word(view, HEADER.live);
    takeRoom(store, { bytes: 0, slots: 0 });
  }
  if (roomBytes(view) >= 0) return;
  const capacityBytes = sum(view, SUM.capacity);
  store.log.warn("cache.too_small", {
    dir: store.dir,
    capacityBytes,
    effect: "nothing can be kept",
  });
}
