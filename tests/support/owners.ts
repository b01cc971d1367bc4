/** Who owns an id in a scenario's topology, computed as the nodes do. */

import { dirname } from "node:path";
import { makeOwnership } from "../../src/mesh/ownership.ts";
import { readTopology } from "../../src/topology/read.ts";

/** The servers of the level in the order of their ranks for the id. */
export async function ranksOf(topologyFile: string, level: number, id: string): Promise<string[]> {
  const read = readTopology(await Bun.file(topologyFile).text(), {
    file: topologyFile,
    baseDir: dirname(topologyFile),
  });
  if (read.kind !== "ok") throw new Error(`not a topology: ${topologyFile}`);
  return [...makeOwnership(read.topology).rank(level, undefined, id)];
}
