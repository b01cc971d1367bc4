/** A real cache on a fresh directory, and the directory's own account of it. */

import { closeSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { parseRelname, UNKNOWN_FACTS, type VariantMeta } from "../../src/base/variant.ts";
import { type Cache, openCache } from "../../src/cache/cache.ts";
import { saveCache } from "../../src/cache/checkpoint.ts";
import { finished } from "../../src/cache/file-digest.ts";
import type { Policy } from "../../src/cache/layout.ts";
import { type CacheMemory, createCacheMemory } from "../../src/cache/memory.ts";
import { openStore } from "../../src/cache/open-store.ts";
import type { PinnedFile } from "../../src/cache/pinned-files.ts";
import { reconcile } from "../../src/cache/reconcile.ts";
import { type Restored, restoreCache } from "../../src/cache/restore.ts";
import { createCounterMemory, openCounters, readCounters } from "../../src/observe/counters.ts";
import type { Log, LogFields } from "../../src/observe/log.ts";

export const SIZES = ["orig", "xs", "sm", "md", "lg", "xl"] as const;

export interface Logged {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

/** What a start has found, the looks at the directory included. */
export interface Started
  extends Pick<
      Restored,
      "garbage" | "lost" | "tombstones" | "state" | "bytes" | "variants" | "dropped"
    >,
    Disposable {
  readonly unlinked: number;
  readonly damaged: number;
}

export interface CacheDir extends Disposable {
  readonly dir: string;
  readonly memory: CacheMemory;
  readonly cache: Cache;
  readonly restored: Started;
  readonly logged: Logged[];
  /** Another cache on the same memory, as another worker has it. */
  open(worker: number): Cache;
  counters(): Record<string, number>;
  /** The same directory after a stop that nobody has prepared, with a fresh memory. */
  restart(options?: CacheOptions): CacheDir;
  /** What a clean stop does before. */
  save(): void;
}

export interface CacheOptions {
  readonly capacityBytes?: number;
  readonly slots?: number;
  readonly sizes?: readonly string[];
  readonly shapes?: readonly string[];
  readonly eviction?: Policy;
  /** Small ones make several regions. */
  readonly regionBits?: number;
  /** One that is there already, and stays; else a fresh one. */
  readonly dir?: string;
  /** Another life of the machine: the one before may have lost its last writes. */
  readonly boot?: string;
  /** What the outbox says at the start. */
  readonly pinned?: readonly PinnedFile[];
}

/** The directory is removed when the first of a row of restarts is disposed. */
export function makeCacheDir(options: CacheOptions = {}): CacheDir {
  if (options.dir !== undefined) return openDir(options.dir, options, () => {});
  const dir = mkdtempSync(join(tmpdir(), "mir-cache-"));
  return openDir(dir, options, () => rmSync(dir, { recursive: true, force: true }));
}

export function recordingLog(logged: Logged[]): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      logged.push({ level, event, fields });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** As a node starts, with all that it does in the background done. */
function started(
  options: Pick<Parameters<typeof restoreCache>[0], "memory" | "dir" | "log" | "pinned" | "boot">,
  counters: SharedArrayBuffer,
): Started {
  const restored = restoreCache({ ...options, clock: systemClock });
  restored.loadNow();
  const own = openCounters(counters, 0);
  const store = openStore({ ...options, worker: 0, counters: own, clock: systemClock });
  const found = finished(reconcile(store));
  store.close();
  const { unlinked, damaged } = found;
  const { garbage, lost, tombstones, state, bytes, variants } = restored;
  const dropped = restored.dropped + found.dropped;
  const known = { garbage, lost, tombstones, state, bytes, variants, dropped, unlinked, damaged };
  return { ...known, [Symbol.dispose]: () => restored[Symbol.dispose]() };
}

function openDir(dir: string, options: CacheOptions, after: () => void): CacheDir {
  const memory = createCacheMemory({
    capacityBytes: options.capacityBytes ?? 4 << 20,
    slots: options.slots ?? 2048,
    sizes: options.sizes ?? SIZES,
    ...(options.shapes && { shapes: options.shapes }),
    ...(options.eviction && { eviction: options.eviction }),
    ...(options.regionBits === undefined ? {} : { regionBits: options.regionBits }),
  });
  const pinned = () => options.pinned ?? [];
  const logged: Logged[] = [];
  const log = recordingLog(logged);
  const counters = createCounterMemory(8);
  const boot = options.boot === undefined ? {} : { boot: options.boot };
  const main = { restored: started({ memory, dir, log, pinned, ...boot }, counters) };
  const open = (worker: number): Cache => {
    const own = openCounters(counters, worker);
    return openCache({ memory, dir, worker, counters: own, log, clock: systemClock });
  };
  const cache = open(0);
  const stopping = new DisposableStack();
  stopping.use(main.restored);
  stopping.defer(() => cache.close());
  return {
    ...main,
    dir,
    memory,
    cache,
    logged,
    open,
    counters: () => readCounters(counters),
    save() {
      const { tombstones } = main.restored;
      saveCache({ memory, dir, log, clock: systemClock, tombstones });
    },
    restart(changes = {}) {
      stopping.dispose();
      return openDir(dir, { ...options, ...changes }, () => {});
    },
    [Symbol.dispose]() {
      stopping.dispose();
      after();
    },
  };
}

/** A meta of made-up but valid content. */
export function metaOf(
  relname: string,
  bytes: number,
  more: Partial<VariantMeta> = {},
): VariantMeta {
  const validator = Bun.hash.xxHash64(`${relname} ${bytes}`).toString(16).padStart(16, "0");
  return {
    relname,
    bytes,
    validator,
    modified: 1_700_000_000,
    facts: UNKNOWN_FACTS,
    lossySteps: 1,
    ...more,
  };
}

/** `vi/ra/l1/md/viral1….jpg` for a number. */
export function relnameOfNumber(n: number, size = "md", ext = "jpg"): string {
  const id = `pic${n.toString(36).padStart(6, "0")}`;
  return `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/${size}/${id}.${ext}`;
}

/** Reserves, writes and publishes a file of that meta; "no room" when it could not be reserved. */
export function put(cache: Cache, meta: VariantMeta): string {
  using room = cache.reserve(meta.bytes, parseRelname(meta.relname)?.id);
  const file = room && cache.openTemp(room);
  if (room === undefined || file === undefined) return "no room";
  writeFileSync(file.fd, Buffer.alloc(meta.bytes, meta.relname));
  closeSync(file.fd);
  return cache.publish(room, file.path, meta);
}

export function putBytes(cache: Cache, relname: string, bytes = 100): string {
  return put(cache, metaOf(relname, bytes));
}

/** Bytes of all files below a directory, each rounded up to 4 KiB (spec §11). */
export function walkBytes(dir: string): number {
  let bytes = 0;
  for (const path of filesBelow(dir))
    bytes += Math.ceil(statSync(join(dir, path)).size / 4096) * 4096;
  return bytes;
}

/** Paths of all regular files below a directory, relative to it. */
export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name).slice(dir.length + 1))
    .sort();
}

/** Relnames of the cached files. */
export function variantsBelow(dir: string): string[] {
  return filesBelow(dir).filter((path) => !path.startsWith(".mir/"));
}
