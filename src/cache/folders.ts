/** Makes the folders of cached files on demand and remembers them, boundedly. */

import { mkdirSync, renameSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "../base/durable.ts";
import { LIMITS } from "../base/limits.ts";
import { errnoOf } from "./store.ts";

/** Between making a folder and using it eviction may remove it again: each try is a rename, and a mkdir at most. */
const MOVE_TRIES = 64;

export interface Folders {
  /** Renames a finished temporary file to its relname; throws what the file system says. */
  moveIn(tempPath: string, relname: string): void;
  /** How many folders are remembered as made. */
  readonly remembered: number;
}

/** Makes the name of a file survive a loss of power: each folder from its own up to the cache directory. */
export function syncFolders(dir: string, relname: string): void {
  for (let folder = dirname(relname); folder !== "."; folder = dirname(folder)) {
    syncFolder(join(dir, folder));
  }
  syncFolder(dir);
}

/** Those on the way to a file that was its last: else a cache that is full for years has all the folders there can be. */
export function removeEmptyFolders(dir: string, relname: string): void {
  try {
    for (let folder = dirname(relname); folder !== "."; folder = dirname(folder)) {
      rmdirSync(join(dir, folder));
    }
  } catch {
    // something else lies in it; or another thread was quicker
  }
}

export function makeFolders(dir: string, foldersMax: number = LIMITS.cacheFoldersMax): Folders {
  let made = new Set<string>();

  function make(folder: string): void {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    // forgetting all is as good as any: making a folder that exists costs one call
    if (made.size >= foldersMax) made = new Set();
    made.add(folder);
  }

  return {
    moveIn(tempPath, relname) {
      const path = join(dir, relname);
      const folder = dirname(path);
      for (let tries = MOVE_TRIES; ; tries--) {
        try {
          if (!made.has(folder)) make(folder);
          renameSync(tempPath, path);
          return;
        } catch (error) {
          if (errnoOf(error) !== "ENOENT" || tries === 1) throw error;
          // somebody tidies the folders away, perhaps just now
          made.delete(folder);
        }
      }
    },
    get remembered() {
      return made.size;
    },
  };
}
