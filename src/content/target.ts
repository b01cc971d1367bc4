/** Where a file of the moment is written: in the cache directory, or beside it when that takes none (spec §8). */

import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asFault, type Fault } from "../base/fault.ts";
import type { Cache } from "../cache/cache.ts";
import type { Reservation } from "../cache/reservation.ts";
import { unlinkQuietly } from "./fill.ts";
import { unwritable } from "./write-fault.ts";

/** Disposing removes the file, unless it was taken. */
export interface Target extends Disposable {
  readonly path: string;
  /** By a publication: it has been renamed, or is gone. */
  taken(): void;
  /** It lies in the cache directory, so that it can be published. */
  readonly keepable: boolean;
}

/**
 * Runs an image job that writes a file. Where the cache directory does not take it, not even after making room, it is
 * run again with a target in `TMPDIR`. Throws the job's own Faults, and `unwritable` when there is nowhere to write.
 */
export async function intoTarget<T>(
  cache: Cache,
  room: Reservation | undefined,
  job: (path: string) => Promise<T>,
): Promise<{ readonly result: T; readonly target: Target }> {
  const run = async (target: Target): Promise<{ result: T; target: Target }> => {
    try {
      return { result: await job(target.path), target };
    } catch (error) {
      target[Symbol.dispose]();
      const fault = asFault(error);
      throw isUnwritten(fault) && !target.keepable ? unwritable(fault) : fault;
    }
  };
  const first = nameTarget(cache, room);
  try {
    return await run(first);
  } catch (error) {
    const fault = asFault(error);
    if (!isUnwritten(fault) || !first.keepable) throw fault;
    if (fault.code !== "disk_full") return noted(cache, { fault, path: first.path }, run);
    cache.yieldRoom(first.path);
  }
  const second = nameTarget(cache, room);
  try {
    return await run(second);
  } catch (error) {
    const fault = asFault(error);
    if (!isUnwritten(fault) || !second.keepable) throw fault;
    return noted(cache, { fault, path: second.path }, run);
  }
}

function noted<T>(
  cache: Cache,
  { fault, path }: { readonly fault: Fault; readonly path: string },
  run: (target: Target) => Promise<T>,
): Promise<T> {
  cache.noteTrouble(fault.cause ?? fault, path);
  return run(standIn());
}

function isUnwritten({ code }: Fault): boolean {
  return code === "disk_full" || code === "unwritable";
}

/** An empty file. Throws `unwritable` when there is nowhere to write. */
export function openTarget(cache: Cache): Target {
  const file = cache.openTemp();
  if (file === undefined) return standIn();
  closeSync(file.fd);
  return inCache(file.path);
}

/**
 * The file is made by the image worker: a file system that skips what was deleted a moment ago, as ext4 does, takes up
 * to a millisecond for it, and hits would wait behind that (bench/saturation.ts).
 */
function nameTarget(cache: Cache, room: Reservation | undefined): Target {
  const path = cache.nameTemp(room);
  return path === undefined ? standIn() : inCache(path);
}

function inCache(path: string): Target {
  return removedUnlessTaken(path, { keepable: true, remove: () => unlinkQuietly(path) });
}

function removedUnlessTaken(
  path: string,
  { keepable, remove }: { readonly keepable: boolean; readonly remove: () => void },
): Target {
  let isTaken = false;
  return {
    ...{ path, keepable },
    taken() {
      isTaken = true;
    },
    [Symbol.dispose]() {
      if (!isTaken) remove();
    },
  };
}

/** The same bytes where the cache directory is not: for going on with a file that it did not take whole. */
export function moveAway(target: Target): Target {
  const elsewhere = standIn();
  try {
    copyFileSync(target.path, elsewhere.path);
  } catch (error) {
    elsewhere[Symbol.dispose]();
    throw unwritable(error);
  }
  target[Symbol.dispose]();
  return elsewhere;
}

/** A folder of its own, since others may write to the one above. */
function standIn(): Target {
  try {
    const folder = mkdtempSync(join(tmpdir(), "mir-"));
    const path = join(folder, "file");
    closeSync(openSync(path, "wx", 0o600));
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    return removedUnlessTaken(path, { keepable: false, remove });
  } catch (error) {
    throw unwritable(error);
  }
}
