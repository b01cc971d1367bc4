/** Where damaged files go: out of the way and out of the index, for whoever wants to see what the disk has done. */

import { lstatSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { metaDir } from "./journal.ts";
import { SUM } from "./layout.ts";
import { accounted } from "./ledger.ts";
import { mustLock, unlock } from "./lock.ts";
import type { Store } from "./store.ts";
import { addSum } from "./view.ts";

function damagedDir(dir: string): string {
  return join(metaDir(dir), "damaged");
}

/**
 * Moves the file of a slot that is dying; where it lies now, or undefined when it is left to be unlinked: there are
 * LIMITS.damagedFilesMax already, it is large and not the only copy (`keep`), or the disk does not do even that.
 */
export function setAside(store: Store, relname: string, keep: boolean): string | undefined {
  const folder = damagedDir(store.dir);
  const path = join(store.dir, relname);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { size } = lstatSync(path);
    const few = readdirSync(folder).length < LIMITS.damagedFilesMax;
    if (!keep && (!few || size > LIMITS.damagedFileBytesMax)) return undefined;
    const [, , , sizeName, file] = relname.split("/");
    const target = join(folder, `${sizeName}-${file}`);
    renameSync(path, target);
    charge(store, size);
    return target;
  } catch (error) {
    store.log.debug("cache.not_set_aside", { error, relname });
    return undefined;
  }
}

function charge(store: Store, bytes: number): void {
  mustLock(store);
  addSum(store.view, SUM.other, accounted(bytes));
  unlock(store.view);
}
