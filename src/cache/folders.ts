/** Makes the folders of cached files on demand and remembers them, boundedly. */

import { mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { errnoOf } from "./store.ts";

export interface Folders {
  /** Renames a finished temporary file to its relname; throws what the file system says. */
  moveIn(tempPath: string, relname: string): void;
  /** How many folders are remembered as made. */
  readonly remembered: number;
}

export function makeFolders(dir: string, foldersMax: number = LIMITS.cacheFoldersMax): Folders {
  const made = new Set<string>();

  function make(folder: string): void {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    // forgetting all is as good as any: making a folder that exists costs one call
    if (made.size >= foldersMax) made.clear();
    made.add(folder);
  }

  return {
    moveIn(tempPath, relname) {
      const path = join(dir, relname);
      const folder = dirname(path);
      if (!made.has(folder)) make(folder);
      try {
        renameSync(tempPath, path);
      } catch (error) {
        if (errnoOf(error) !== "ENOENT") throw error;
        // somebody tidied the folder away
        make(folder);
        renameSync(tempPath, path);
      }
    },
    get remembered() {
      return made.size;
    },
  };
}
