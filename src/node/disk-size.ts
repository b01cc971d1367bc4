/** How large the file system of a directory is. */

import { statfsSync } from "node:fs";

/** undefined when there is no such directory on this machine, or it may not be looked at. */
export function fileSystemBytes(dir: string): number | undefined {
  try {
    const { blocks, bsize } = statfsSync(dir);
    return blocks * bsize;
  } catch {
    return undefined;
  }
}
