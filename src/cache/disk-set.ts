/** Main's part of the cache over all its directories: bringing them back, keeping them, noticing which are out of order. */

import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { lockDir } from "./dir-lock.ts";
import { isPrepared } from "./disk-identity.ts";
import { diskState } from "./disk-state.ts";
import type { Disk } from "./disks.ts";
import { metaDir } from "./journal.ts";
import { type KnownDisk, readKnownDisks, writeKnownDisks } from "./known-disks.ts";
import type { Writer } from "./lock.ts";
import { type Member, makeMember } from "./member.ts";
import type { PinnedFile } from "./pinned-files.ts";
import { notMounted } from "./probe-disk.ts";
import { type Restored, repairIndex, restoreCache } from "./restore.ts";
import { openTombstones, type Tombstones } from "./tombstones.ts";

export interface DiskSet extends Disposable {
  readonly tombstones: Tombstones;
  /** Which are out of order, or well again, and what each has room for; those that are out of order are left out. */
  look(): Promise<void>;
  /** Does something to each directory in use, one after the other. */
  each(work: (disk: Disk) => Promise<unknown>): Promise<void>;
  /** Called for each directory that is in use, and for each that comes to be. */
  onBegun(hear: (begun: Begun) => void): void;
  /** At a clean stop, once the workers are gone; see `saveCache`. What fails is told. */
  save(): void;
}

/** A directory whose index is here. */
export interface Begun extends Disk {
  readonly restored: Restored;
  /** While it is out of order. */
  readonly isOut: () => boolean;
}

export interface DiskSetOptions {
  readonly disks: readonly Disk[];
  /** Where the node's own files are: in one of the directories, or beside them. */
  readonly home: string;
  /** What the outbox says; asked when `home` is ours. */
  readonly pinned: () => readonly PinnedFile[];
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Writer["clock"];
}

/**
 * Before any worker thread runs. Throws when `home` cannot be used, or when another node has one of the directories;
 * one that cannot be used is told, and left out until it can.
 */
export function openDiskSet(options: DiskSetOptions): DiskSet {
  const { disks, home, log } = options;
  mkdirSync(join(metaDir(home), "tmp"), { recursive: true, mode: 0o700 });
  const known = new Map(readKnownDisks(home));
  using opened = new DisposableStack();
  let tombstones: Tombstones | undefined;
  const memberOf = (disk: Disk): Member =>
    makeMember({
      ...{ ...options, disk, identity: known.get(disk.dir)?.identity, isHome: disk.dir === home },
      restore() {
        const restored = restoreDisk(disk, options, tombstones);
        tombstones ??= restored.tombstones;
        return restored;
      },
    });
  const members = disks.map((disk) => opened.use(memberOf(disk)));
  const first = members.find(({ disk }) => disk.dir === home);
  if (first === undefined) {
    opened.use(lockDir(home));
    tombstones = openTombstones({ ...options, ...memoryOf(disks), dir: home, uncounted: true });
  }
  first?.begin();
  for (const member of members) if (member !== first) begin(member, known.has(member.disk.dir));
  if (tombstones === undefined) throw new TypeError("a cache has at least one directory");
  tellLost(members, options);
  remember(home, members, known, log);
  const kept = opened.move();
  const begun = new Set<Member>();
  let told: ((begun: Begun) => void) | undefined;
  const tell = (): void => {
    if (told === undefined) return;
    for (const member of members) {
      const { disk, restored, view } = member;
      if (restored === undefined || begun.has(member)) continue;
      begun.add(member);
      told({ ...disk, restored, isOut: () => diskState(view) === "failed" });
    }
  };
  return {
    tombstones,
    async look() {
      const before = members.map(({ identity }) => identity);
      for (const member of members) await member.look();
      tell();
      if (members.every(({ identity }, at) => identity === before[at])) return;
      remember(home, members, known, log);
    },
    async each(work) {
      for (const { disk, view } of members) if (diskState(view) !== "failed") await work(disk);
    },
    onBegun(hear) {
      told = hear;
      tell();
    },
    save() {
      for (const member of members) saveMember(member, log);
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** For main, after a worker thread died, before another takes its number; see `repairIndex`. */
export function repairDisks(disks: readonly Disk[], worker: number, log: Pick<Log, "warn">): void {
  for (const { memory, dir } of disks) {
    try {
      repairIndex(memory, worker, dir);
    } catch (error) {
      if (error instanceof Fault) throw error;
      const effect = "temporary files of a thread that died stay there until the next start";
      log.warn("cache.temps_stuck", { error, dir, effect });
    }
  }
}

/** All have the same table of tombstones. */
function memoryOf(disks: readonly Disk[]): Pick<Disk, "memory"> {
  const [disk] = disks;
  if (disk === undefined) throw new TypeError("a cache has at least one directory");
  return { memory: disk.memory };
}

/** A directory that was used before and has no `.mir` is a disk that is not mounted: nothing is written there. */
function begin(member: Member, isKnown: boolean): void {
  const { dir } = member.disk;
  try {
    if (isKnown && !isPrepared(dir)) {
      member.fail(notMounted(dir));
      return;
    }
    mkdirSync(metaDir(dir), { recursive: true, mode: 0o700 });
    member.begin();
  } catch (error) {
    // a mistake of the operator's, which going on without it would hide
    if (isBusy(error)) throw error;
    member.fail(errnoOf(error) ?? String(error));
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && errnoOf(error.cause) === "SQLITE_BUSY";
}

/** What is pinned is asked of each directory that has its file; of a single one all. */
function restoreDisk(
  disk: Disk,
  options: DiskSetOptions,
  tombstones: Tombstones | undefined,
): Restored {
  const { disks, log, clock } = options;
  const isHere = ({ relname }: PinnedFile): boolean => existsSync(join(disk.dir, relname));
  const pinned = (): readonly PinnedFile[] =>
    disks.length === 1 ? options.pinned() : options.pinned().filter(isHere);
  return restoreCache({ ...disk, log, clock, pinned, tombstones });
}

/** Uploads that this node vouches for and of which no disk has the file. */
function tellLost(members: readonly Member[], { pinned, log }: DiskSetOptions): void {
  if (members.length === 1) return;
  const lost = pinned().filter(
    ({ relname }) => !members.some(({ disk }) => existsSync(join(disk.dir, relname))),
  );
  if (lost.length === 0) return;
  const fields = { count: lost.length, example: lost[0]?.relname };
  if (members.some(({ view }) => diskState(view) === "failed")) {
    const effect = "these uploads are handed on when their disk is back";
    log.warn("cache.pinned_away", { ...fields, effect });
  } else {
    const effect = "uploads that were acknowledged cannot be handed on";
    log.error("cache.pinned_lost", { ...fields, effect });
  }
}

/** A hint: without it a disk that is not mounted at the next start is taken for a new one. */
function remember(
  home: string,
  members: readonly Member[],
  known: Map<string, KnownDisk>,
  log: Log,
): void {
  // a single directory has no other to go to
  if (members.length === 1) return;
  try {
    for (const { disk, identity, view } of members) {
      if (identity === undefined || diskState(view) === "failed") continue;
      const { blocks, bsize } = statfsSync(disk.dir);
      known.set(disk.dir, { identity, fileSystemBytes: blocks * bsize });
    }
    writeKnownDisks(home, known);
  } catch (error) {
    log.warn("cache.disks_unremembered", { error, dir: home });
  }
}

/** Without it the next start looks at what was kept last before it serves that, and has lost the order. */
function saveMember(member: Member, log: Log): void {
  try {
    member.save();
  } catch (error) {
    const effect = "the next start is one as after a crash";
    log.error("cache.save_failed", { error, dir: member.disk.dir, effect });
  }
}
