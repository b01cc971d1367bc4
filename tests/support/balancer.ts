/** What stands in front of a mesh: it sends requests only to nodes whose `/readyz` says 200. */

import { join } from "node:path";
import type { Mesh } from "./mesh.ts";

/** Between two looks at a node. */
const LOOK_MS = 40;

export interface Balancer extends Disposable {
  /** `/readyz` of the node: its status, 0 when nobody answers. */
  readiness(name: string): Promise<number>;
}

/** Keeps `serving` to those that are ready. */
export function startBalancer(
  mesh: Mesh,
  options: { readonly edges: readonly string[]; readonly serving: Set<string> },
): Balancer {
  const { edges, serving } = options;
  let ended = false;
  const readiness = async (name: string): Promise<number> => {
    const unix = join(mesh.node(name).cacheDir, ".mir/admin.sock");
    try {
      return (await fetch("http://admin/readyz", { unix, keepalive: false })).status;
    } catch {
      return 0;
    }
  };
  const watch = async (name: string): Promise<void> => {
    while (!ended) {
      if ((await readiness(name)) === 200) serving.add(name);
      else serving.delete(name);
      await Bun.sleep(LOOK_MS);
    }
  };
  for (const name of edges) void watch(name);
  return {
    readiness,
    [Symbol.dispose]() {
      ended = true;
    },
  };
}
