/** One node a cache directory: a lock of the kernel that ends with the process, however it ends. */

import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { metaDir } from "./journal.ts";
import { errnoOf } from "./store.ts";

/**
 * Held until disposed. SQLite's lock on an empty file is a record lock, which pid files cannot match: it
 * survives no crash and is seen across containers that share the disk. Throws a Fault naming the other
 * node's pid.
 */
export function lockDir(dir: string): Disposable {
  const database = new Database(join(metaDir(dir), "lock"), { create: true });
  try {
    // in memory: a journal of SQLite's own beside ours would never be used
    database.run("PRAGMA journal_mode=MEMORY");
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw notLocked(dir, error);
  }
  writeFileSync(pidPathOf(dir), `${process.pid}\n`, { mode: 0o600 });
  held.add(database);
  return {
    [Symbol.dispose]() {
      held.delete(database);
      database.close();
    },
  };
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

function pidPathOf(dir: string): string {
  return join(metaDir(dir), "pid");
}

function pidIn(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // its writer is just starting
    return "unknown";
  }
}
