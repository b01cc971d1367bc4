/** One node a cache directory: a lock of the kernel that ends with the process, however it ends. */

import { Database } from "bun:sqlite";
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import { metaDir } from "./journal.ts";
import { errnoOf } from "./store.ts";

/**
 * Held until disposed. SQLite's lock on an empty file is a record lock, which pid files cannot match: it
 * survives no crash and is seen across containers that share the disk. Throws a Fault naming the other
 * node's pid, and what the file system says.
 */
export function lockDir(dir: string): Disposable {
  const database = openLock(dir);
  try {
    // in memory: a journal of SQLite's own beside ours would never be used
    database.run("PRAGMA journal_mode=MEMORY");
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw notLocked(dir, error);
  }
  try {
    leavePid(dir);
  } catch (error) {
    database.close();
    throw error;
  }
  held.add(database);
  return {
    [Symbol.dispose]() {
      held.delete(database);
      database.close();
    },
  };
}

/** SQLite would not name the file. Looked at, not opened: closing a descriptor of it would let go of its locks. */
function openLock(dir: string): Database {
  const path = join(metaDir(dir), "lock");
  const there = existsSync(path);
  accessSync(there ? path : metaDir(dir), constants.R_OK | constants.W_OK);
  return new Database(path, { create: true });
}

/** A lock nobody refers to must not be let go by the garbage collector. */
const held = new Set<Database>();

function notLocked(dir: string, cause: unknown): Fault {
  const busy = errnoOf(cause) === "SQLITE_BUSY";
  const why = busy
    ? `${dir} is in use by another node, pid ${pidIn(pidPathOf(dir))}; give each its own cache_dir`
    : `cannot lock the cache directory ${dir}; see that it is writable`;
  return new Fault("internal", why, { cause });
}

/** A full disk is no reason not to start: it is for what another node says only. */
function leavePid(dir: string): void {
  try {
    writeFileSync(pidPathOf(dir), `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function pidPathOf(dir: string): string {
  return join(metaDir(dir), "pid");
}

function pidIn(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "unknown";
  } catch {
    // its writer is just starting, or had no room for it
    return "unknown";
  }
}
