/** A cache of several real directories, as main and a worker have it. */

import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { Cache } from "../../src/cache/cache.ts";
import { type DiskSet, openDiskSet } from "../../src/cache/disk-set.ts";
import { type Disk, openDisks } from "../../src/cache/disks.ts";
import { createCacheMemory } from "../../src/cache/memory.ts";
import type { PinnedFile } from "../../src/cache/pinned-files.ts";
import { createTombstoneTable } from "../../src/cache/tombstone-table.ts";
import { createCounterMemory, openCounters, readCounters } from "../../src/observe/counters.ts";
import { type Logged, recordingLog, relnameOfNumber, SIZES, variantsBelow } from "./cache-dir.ts";

export interface SeveralDisks extends Disposable {
  readonly root: string;
  readonly disks: readonly Disk[];
  readonly set: DiskSet;
  readonly cache: Cache;
  readonly logged: Logged[];
  counters(): Record<string, number>;
  /** The same directories after a stop, with fresh memories. */
  restart(): SeveralDisks;
}

export interface SeveralOptions {
  /** Bytes of each, by name. */
  readonly dirs: Readonly<Record<string, number>>;
  /** One of them, or another name; the first by default. */
  readonly home?: string;
  readonly pinned?: readonly PinnedFile[];
  /** Before anything is opened. */
  readonly prepare?: (root: string) => void;
}

/** Removed when the first of a row of restarts is disposed. */
export function makeDisks(options: SeveralOptions): SeveralDisks {
  const root = mkdtempSync(join(tmpdir(), "mir-disks-"));
  return open(root, options, () => rmSync(root, { recursive: true, force: true }));
}

function open(root: string, options: SeveralOptions, after: () => void): SeveralDisks {
  options.prepare?.(root);
  const tombstones = createTombstoneTable();
  const disks = Object.entries(options.dirs).map(([name, capacityBytes]) => ({
    dir: join(root, name),
    memory: createCacheMemory({ capacityBytes, slots: 2048, sizes: SIZES, tombstones }),
  }));
  const home = join(root, options.home ?? Object.keys(options.dirs)[0] ?? "");
  const logged: Logged[] = [];
  const memory = createCounterMemory(8);
  const counters = openCounters(memory, 0);
  const watched = { counters, log: recordingLog(logged), clock: systemClock };
  const pinned = () => options.pinned ?? [];
  using opening = new DisposableStack();
  opening.defer(after);
  const set = opening.use(openDiskSet({ disks, home, pinned, ...watched }));
  const cache = openDisks({ disks, home, worker: 0, ...watched });
  opening.defer(() => cache.close());
  const opened = opening.move();
  return {
    ...{ root, disks, set, cache, logged },
    counters: () => readCounters(memory),
    restart() {
      cache.close();
      set[Symbol.dispose]();
      return open(root, options, () => {});
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/** So many relnames, each of another id. */
export const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => relnameOfNumber(n));

/** Cached files by the last letter of their directory. */
export const countsOf = ({ disks }: SeveralDisks): Record<string, number> =>
  Object.fromEntries(disks.map(({ dir }) => [dir.slice(-1), variantsBelow(dir).length]));

export function diskOf({ disks }: SeveralDisks, name: string): Disk {
  const found = disks.find(({ dir }) => dir.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no disk ${name}`);
  return found;
}

export const eventsOf = ({ logged }: SeveralDisks, level: string): string[] =>
  logged.filter((line) => line.level === level).map(({ event }) => event);

/** As if it was not mounted: nothing is left in its place but an empty folder. */
export function unmount(of: SeveralDisks, name: string): { mount(): void } {
  const { dir } = diskOf(of, name);
  renameSync(dir, `${dir}-away`);
  mkdirSync(dir);
  return {
    mount() {
      rmSync(dir, { recursive: true });
      renameSync(`${dir}-away`, dir);
    },
  };
}
