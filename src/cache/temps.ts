/** Temporary files of one thread, in the cache directory: what is renamed into the cache is written there. */

import { accessSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, isMissing } from "../base/errno.ts";
import { retryWhenFull } from "./disk.ts";
import { metaDir } from "./journal.ts";
import { HEADER } from "./layout.ts";
import type { Store } from "./store.ts";
import { noteTrouble } from "./trouble.ts";

export interface OpenFile {
  readonly path: string;
  /** For reading and writing; the caller's to close. */
  readonly fd: number;
}

export interface Temps {
  path(): string;
  /** A path where a file can be made; undefined, noted, when the folder takes none. */
  name(): string | undefined;
  open(): OpenFile | undefined;
  write(file: OpenFile, chunk: Uint8Array, position: number): void;
  noteTrouble(error: unknown): void;
}

/** In a folder that main has made. */
export function makeTemps(store: Store): Temps {
  const { view, worker } = store;
  const folder = join(metaDir(store.dir), "tmp");
  const opening = Atomics.add(view.words, HEADER.openings, 1);
  let count = 0;

  const path = (): string => `${folder}/${worker}-${opening}-${count++}`;

  const note = (error: unknown): void =>
    noteTrouble(store, "cache.write_failed", { error, effect: "served without being kept" });

  const orNote = <T>(use: () => T): T | undefined => {
    try {
      return use();
    } catch (error) {
      note(error);
      return undefined;
    }
  };

  const inFolder = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      if (!isMissing(error)) throw error;
      // somebody tidied the folder away; where even the one above is gone, the disk may not be mounted
      makeFolder(folder);
      return use();
    }
  };

  const make = (): OpenFile => {
    const name = path();
    return inFolder(() => ({ path: name, fd: openSync(name, "wx+", 0o600) }));
  };

  return {
    path,
    noteTrouble: note,
    name: () =>
      orNote(() => {
        // with a slash, so that a file in its place is none
        inFolder(() => accessSync(`${folder}/`, constants.W_OK));
        return path();
      }),
    open: () => orNote(() => retryWhenFull(store, make)),
    write({ fd }, chunk, position) {
      for (let done = 0; done < chunk.length; ) {
        done += retryWhenFull(store, () =>
          writeSync(fd, chunk, done, chunk.length - done, position + done),
        );
      }
    },
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}
