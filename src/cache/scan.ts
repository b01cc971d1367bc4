/** Walks the folders where variants lie, telling ours from what somebody else put there. */

import { type Dirent, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { isMissing } from "../base/errno.ts";
import { parseRelname, relnameOf } from "../base/variant.ts";

export interface Foreign {
  count: number;
  /** The first one found. */
  example: string | undefined;
}

const PAIR = /^[A-Za-z0-9_-]{2}$/;
const SIZE = /^[a-z0-9]{1,16}$/;
/** Names of the folders above a file: three pairs of the id's characters, then the size. */
const LEVELS = [PAIR, PAIR, PAIR, SIZE] as const;

/** Relnames of the regular files that are named like variants; empty folders of that form are removed. */
export function* relnamesIn(dir: string, foreign: Foreign): Generator<string> {
  yield* walk(dir, [], foreign);
}

function* walk(dir: string, above: readonly string[], foreign: Foreign): Generator<string> {
  const folder = join(dir, ...above);
  const names = entriesOf(folder, { mayBeGone: above.length > 0 });
  const form = LEVELS[above.length];
  for (const found of names) {
    if (above.length === 0 && found.name === ".mir") continue;
    const path = [...above, found.name];
    if (form === undefined) {
      const relname = relnameAt(path, found);
      if (relname === undefined) note(foreign, path);
      else yield relname;
    } else if (found.isDirectory() && form.test(found.name)) {
      yield* walk(dir, path, foreign);
    } else {
      note(foreign, path);
    }
  }
  if (above.length > 0) removeEmpty(folder);
}

/** Eviction removes folders that it has emptied, also while they are walked. Throws what else the file system says. */
function entriesOf(folder: string, { mayBeGone }: { readonly mayBeGone: boolean }): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (mayBeGone && isMissing(error)) return [];
    throw error;
  }
}

/** Only a path that is exactly a relname of ours is ours to remove. */
function relnameAt(path: readonly string[], found: Dirent): string | undefined {
  const text = path.join("/");
  const variant = found.isFile() ? parseRelname(text) : undefined;
  return variant !== undefined && relnameOf(variant) === text ? text : undefined;
}

function note(foreign: Foreign, path: readonly string[]): void {
  foreign.count++;
  foreign.example ??= path.join("/");
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not empty, as it should be
  }
}
