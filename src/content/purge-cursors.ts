/** How far this node has read the purges of each peer: a hint on disk, whose loss costs a longer reading. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Log } from "../observe/log.ts";

export interface PurgeCursor {
  /** Name of the peer's file of tombstones. */
  readonly log: string;
  readonly seq: number;
}

export interface PurgeCursors {
  get(peer: string): PurgeCursor;
  set(peer: string, cursor: PurgeCursor): void;
  /** Writes what has changed; a failure is logged. */
  save(): void;
}

const NOTHING_READ: PurgeCursor = { log: "", seq: 0 };

const schema = v.record(v.string(), v.object({ log: v.string(), seq: v.number() }));

/** `dir` is the cache directory. */
export function openPurgeCursors(dir: string, log: Log): PurgeCursors {
  const path = join(dir, ".mir", "purge-cursors");
  const cursors = new Map(Object.entries(read(path)));
  let changed = false;
  return {
    get: (peer) => cursors.get(peer) ?? NOTHING_READ,
    set(peer, cursor) {
      const old = cursors.get(peer);
      if (old?.log === cursor.log && old.seq === cursor.seq) return;
      cursors.set(peer, cursor);
      changed = true;
    },
    save() {
      if (!changed) return;
      changed = false;
      try {
        writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(cursors)), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch (error) {
        log.warn("purge cursors could not be written", { path, error });
      }
    },
  };
}

/** Nothing when it is missing or damaged: then everything is read again. */
function read(path: string): Record<string, PurgeCursor> {
  try {
    const parsed = v.safeParse(schema, JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
