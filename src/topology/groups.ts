/** Among whom ownership is decided: the servers of a region, or the whole level (spec §1). */

import type { Level, Server } from "./topology.ts";

export interface Group {
  /** undefined: the whole level. */
  readonly region: string | undefined;
  /** In file order. */
  readonly servers: readonly Server[];
}

/** In order of first appearance; one group where any server of the level has no region. */
export function groupsOf(level: Level): readonly Group[] {
  if (level.servers.length === 0) return [];
  if (level.servers.some((server) => server.region === undefined)) {
    return [{ region: undefined, servers: level.servers }];
  }
  const byRegion = Map.groupBy(level.servers, (server) => server.region);
  return [...byRegion].map(([region, servers]) => ({ region, servers }));
}

/** The same, that of `region` first: the order in which a server there asks the level (spec §1). */
export function groupsFrom(level: Level, region: string | undefined): readonly Group[] {
  const groups = groupsOf(level);
  const near = groups.filter((group) => group.region !== undefined && group.region === region);
  return [...near, ...groups.filter((group) => !near.includes(group))];
}
