/** A node that stands right above a folder of originals says when that folder is not there. */

import { statSync } from "node:fs";
import type { Log } from "../observe/log.ts";
import type { Server, Topology } from "../topology/topology.ts";

/** A warning and no more: a disk may be mounted later, and what is cached is served meanwhile. */
export function warnOfMissingOrigin({ levels }: Topology, self: Server, log: Log): void {
  const below = levels[self.level + 1]?.origins ?? [];
  for (const origin of below) {
    if (origin.kind !== "directory" || isFolder(origin.dir)) continue;
    const effect = "what is not cached is 502";
    log.warn("origin_dir_missing", { origin: origin.name, dir: origin.dir, effect });
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // not there, or not for us to look into
    return false;
  }
}
