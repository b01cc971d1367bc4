/** A file of the cache under a second name, so that eviction cannot take it from whoever works on it. */

import { existsSync, linkSync } from "node:fs";
import { isMissing } from "../base/errno.ts";
import type { Cache } from "../cache/cache.ts";
import { unlinkQuietly } from "./fill.ts";

export interface Held extends Disposable {
  readonly path: string;
}

/**
 * undefined when the file is gone; its slot is then dropped. The disk space of an evicted file comes
 * free when it is let go: seconds, and bounded by the image queue.
 */
export function holdFile(cache: Cache, relname: string): Held | undefined {
  const path = cache.pathOf(relname);
  const second = cache.tempPath(relname);
  try {
    linkSync(path, second);
    return { path: second, [Symbol.dispose]: () => unlinkQuietly(second) };
  } catch (error) {
    if (!isMissing(error) || existsSync(path)) {
      // a file system without links, or no room for a name: it is worked on where it lies
      return { path, [Symbol.dispose]() {} };
    }
    cache.forget(relname);
    return undefined;
  }
}
