/** One directory of the cache as main watches it: in use, out of order, and well again. */

import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { errnoOf } from "../base/errno.ts";
import { LIMITS } from "../base/limits.ts";
import { saveCache, takeCheckpoint } from "./checkpoint.ts";
import { lockDir } from "./dir-lock.ts";
import { watchDisk } from "./disk.ts";
import { ensureIdentity } from "./disk-identity.ts";
import { type DiskState, diskState, noteBegun, setDiskState, unreadSoFar } from "./disk-state.ts";
import type { Disk } from "./disks.ts";
import { dropAll } from "./drop-all.ts";
import { metaDir } from "./journal.ts";
import { HEADER } from "./layout.ts";
import { makeProbe, type Probed } from "./probe-disk.ts";
import type { Restored } from "./restore.ts";
import type { Store } from "./store.ts";
import { openView, type View, word } from "./view.ts";

export interface Member extends Disposable {
  readonly disk: Disk;
  readonly view: View;
  /** Its mark; undefined while it was never seen. */
  readonly identity: string | undefined;
  /** Once its index is here. */
  readonly restored: Restored | undefined;
  /** Brings its index back and puts it to use; throws what is wrong with it. Before any worker runs. */
  begin(): void;
  /** Takes a last checkpoint, where that can be. Throws what the file system says. */
  save(): void;
  /** It is out of order. */
  fail(why: string): void;
  /** Probes it, brings it back when it is well again, and keeps it within what its file system has. */
  look(): Promise<void>;
}

export interface MemberOptions extends Pick<Store, "counters" | "log" | "clock"> {
  readonly disk: Disk;
  /** The mark it had when it was used last. */
  readonly identity: string | undefined;
  /** The node's own files are here: there is no going on elsewhere, so it is never left out. */
  readonly isHome: boolean;
  /** See `restoreCache`; what it gives is disposed with the member. */
  readonly restore: () => Restored;
}

const EFFECTS = {
  unwritable: "what it has is served, and nothing is added to it",
  failed: "what it has is fetched again, and kept elsewhere if there is another disk",
} as const;

export function makeMember(options: MemberOptions): Member {
  const { disk, isHome, counters, log, clock } = options;
  const { dir, memory } = disk;
  const view = openView(memory);
  const probe = makeProbe(dir);
  const keepWithin = watchDisk({ ...disk, counters, log, clock });
  const hold = makeHold(options, view);
  const mayRest = makeRest(view, clock);

  const become = (state: DiskState, why: string): void => tellState(options, view, { state, why });

  const follow = async (probed: Probed): Promise<void> => {
    switch (probed.kind) {
      case "unknown":
        return;
      case "failed":
      case "unwritable":
        become(probed.kind, probed.why);
        return;
      case "fresh":
      case "torn":
        await hold.take();
        break;
      case "well":
        if (diskState(view) === "failed") await hold.take();
    }
    become("well", "");
  };

  return {
    disk,
    view,
    get identity() {
      return hold.identity;
    },
    get restored() {
      return hold.restored;
    },
    begin: hold.begin,
    save() {
      const { restored } = hold;
      if (restored === undefined || diskState(view) !== "well") return;
      restored.loadNow();
      saveCache({ ...disk, log, clock, tombstones: restored.tombstones });
    },
    fail: (why) => become("failed", why),
    async look() {
      if (mayRest()) {
        become("failed", "files could not be read");
        return;
      }
      try {
        // its own files are served from here whatever becomes of it
        if (isHome) mkdirSync(metaDir(dir), { recursive: true, mode: 0o700 });
        const journal = hold.restored === undefined ? 0 : word(view, HEADER.journal);
        await follow(await probe({ identity: hold.identity, journal }));
      } catch (error) {
        become("failed", errnoOf(error) ?? String(error));
      }
      if (diskState(view) !== "failed") await keepWithin();
    },
    [Symbol.dispose]: () => hold[Symbol.dispose](),
  };
}

/** What this node has of a directory: its lock, its index, its mark. */
interface Hold extends Disposable {
  readonly restored: Restored | undefined;
  readonly identity: string | undefined;
  begin(): void;
  /** The first time, or again. */
  take(): Promise<void>;
}

function makeHold({ disk, restore, log, clock, ...known }: MemberOptions, view: View): Hold {
  const { dir } = disk;
  let { identity } = known;
  let restored: Restored | undefined;
  let lock: Disposable | undefined;
  /** Which directory that was. */
  let place = "";

  const begin = (): void => {
    restored = restore();
    lock = restored;
    place = placeOf(dir);
    identity = markOf(dir);
    noteBegun(view);
    setDiskState(view, "well");
  };

  /** What threads hold open, and the file of the lock, may be of what was there before. */
  const takeAgain = async ({ tombstones }: Restored): Promise<void> => {
    lock?.[Symbol.dispose]();
    lock = lockDir(dir);
    const wish = { ...disk, log, clock, tombstones, idleBytes: 0 };
    if (!(await takeCheckpoint(wish))) throw new Error("it takes no checkpoint");
    const moved = placeOf(dir) !== place;
    place = placeOf(dir);
    if (moved) await dropAll({ ...disk, log, clock });
    identity = markOf(dir);
    noteBegun(view);
  };

  return {
    get restored() {
      return restored;
    },
    get identity() {
      return identity;
    },
    begin,
    async take() {
      mkdirSync(join(metaDir(dir), "tmp"), { recursive: true, mode: 0o700 });
      if (restored === undefined) begin();
      else await takeAgain(restored);
    },
    [Symbol.dispose]: () => lock?.[Symbol.dispose](),
  };
}

function tellState(
  { disk: { dir }, isHome, counters, log }: MemberOptions,
  view: View,
  now: { readonly state: DiskState; readonly why: string },
): void {
  const state = now.state === "failed" && isHome ? "unwritable" : now.state;
  const before = diskState(view);
  setDiskState(view, state);
  if (before === state) return;
  if (state === "well") {
    log.info("cache.disk_well", { dir });
    return;
  }
  counters.add("cache_disk_failed");
  log.error(`cache.disk_${state}`, { dir, why: now.why, effect: EFFECTS[state] });
}

/** Whether a disk of which files could not be read, more than a bad sector's worth, is left alone for now. */
function makeRest(view: View, clock: Store["clock"]): () => boolean {
  let unread = unreadSoFar(view);
  let untilMs = 0;
  return () => {
    const failures = unreadSoFar(view) - unread;
    unread += failures;
    if (failures >= LIMITS.diskUnreadMax) untilMs = clock.monotonicMs() + DEADLINES.diskRestMs;
    return clock.monotonicMs() < untilMs;
  };
}

/** undefined where there is no room for one, as on a disk that is full: the next look makes it. */
function markOf(dir: string): string | undefined {
  try {
    return ensureIdentity(dir);
  } catch {
    return undefined;
  }
}

/** Differs where another file system is mounted, or the directory was made anew: no index is true of it then. */
function placeOf(dir: string): string {
  const { dev, ino } = statSync(dir);
  return `${dev} ${ino}`;
}
