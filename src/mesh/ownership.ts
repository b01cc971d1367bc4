/** Who owns a content id: groups of servers and the ranking within them, from the topology alone (spec §4). */

import { LIMITS } from "../base/limits.ts";
import { type Memo, makeMemo } from "../base/memo.ts";
import type { Level, Server, Topology } from "../topology/topology.ts";
import { md5ModuloRank, type Rank, rendezvousRank } from "./rank.ts";

/** Ranks that are remembered for an id: the owner and those that may stand in for it. */
export const TOP_RANKS = 4;

/** Never looks at what is up or down: two nodes with the same topology always agree. */
export interface Ownership {
  /**
   * Every server of the group of (level, region), the owner first, draining ones last. Without a region the
   * group is the whole level, as it is at a level where not every server has one. [] for a level without servers.
   */
  rank(
    level: number,
    region: string | undefined,
    id: string,
    /** No more than these; default: all. */
    ranksMax?: number,
  ): readonly string[];
  /** The first four of `rank`, remembered for ids asked lately: use this for each request. */
  topRanks(level: number, region: string | undefined, id: string): readonly string[];
  /** The servers among which the server's content is shared out, itself included; [] for an unknown name. */
  group(server: string): readonly string[];
  /** Where the server sends its misses; undefined when no level below it has servers. */
  upstreamGroup(server: string): UpstreamGroup | undefined;
  /** The ranking over the upstream group: those of the server's region first. [] without one. */
  upstreamRank(server: string, id: string): readonly string[];
}

export interface UpstreamGroup {
  readonly level: number;
  /** Those of the same region first, then the others, each in file order. */
  readonly servers: readonly string[];
}

interface Group {
  readonly servers: readonly Server[];
  readonly rank: Rank;
  readonly top: Memo<readonly string[]>;
}

interface LevelGroups {
  readonly index: number;
  readonly whole: Group;
  /** Empty when the level is one group. */
  readonly regions: ReadonlyMap<string, Group>;
}

export function makeOwnership(topology: {
  readonly levels: Topology["levels"];
  readonly routing: Pick<Topology["routing"], "algorithm" | "seed">;
}): Ownership {
  const { algorithm, seed } = topology.routing;
  const makeGroup = (servers: readonly Server[]): Group => ({
    servers,
    rank: algorithm === "md5-modulo" ? md5ModuloRank(servers) : rendezvousRank(servers, seed),
    top: makeMemo(LIMITS.rankMemoMax),
  });
  const levels = new Map(topology.levels.map((level) => [level.index, groupsOf(level, makeGroup)]));
  const servers = new Map(topology.levels.flatMap((l) => l.servers).map((s) => [s.name, s]));

  const groupOf = (level: number, region: string | undefined): Group | undefined => {
    const groups = levels.get(level);
    return groups?.regions.get(region ?? "") ?? groups?.whole;
  };
  const upstreamOf = (name: string): { server: Server; groups: LevelGroups } | undefined => {
    const server = servers.get(name);
    if (server === undefined) return undefined;
    const groups = [...levels.values()]
      .filter((l) => l.index > server.level && l.whole.servers.length > 0)
      .sort((a, b) => a.index - b.index)[0];
    return groups === undefined ? undefined : { server, groups };
  };
  const upstreamGroupOf = (name: string): UpstreamGroup | undefined => {
    const upstream = upstreamOf(name);
    if (upstream === undefined) return undefined;
    const { server, groups } = upstream;
    const near = groups.regions.get(server.region ?? "")?.servers ?? [];
    const far = groups.whole.servers.filter((s) => !near.includes(s));
    return { level: groups.index, servers: namesOf([...near, ...far]) };
  };
  /** Asked for with each request; as many as there are servers. */
  const upstreamGroups = new Map<string, UpstreamGroup | undefined>();

  return {
    rank: (level, region, id, ranksMax) => groupOf(level, region)?.rank(id, ranksMax) ?? [],
    topRanks(level, region, id) {
      const group = groupOf(level, region);
      if (group === undefined) return [];
      const known = group.top.get(id);
      if (known !== undefined) return known;
      const top = group.rank(id, TOP_RANKS);
      group.top.set(id, top);
      return top;
    },
    group(name) {
      const server = servers.get(name);
      if (server === undefined) return [];
      return namesOf(groupOf(server.level, server.region)?.servers ?? []);
    },
    upstreamGroup(name) {
      if (!servers.has(name)) return undefined;
      if (!upstreamGroups.has(name)) upstreamGroups.set(name, upstreamGroupOf(name));
      return upstreamGroups.get(name);
    },
    upstreamRank(name, id) {
      const upstream = upstreamOf(name);
      if (upstream === undefined) return [];
      const { server, groups } = upstream;
      // the first of the whole level is the owner in its own region too: the maximum is one of a part
      const whole = groups.whole.rank(id);
      const near = groups.regions.get(server.region ?? "")?.rank(id) ?? [];
      return [...near, ...whole.filter((s) => !near.includes(s))];
    },
  };
}

function groupsOf(level: Level, makeGroup: (servers: readonly Server[]) => Group): LevelGroups {
  const byRegion = new Map<string, Server[]>();
  for (const server of level.servers) {
    const region = server.region;
    // one server without a region makes the whole level one group (spec §1)
    if (region === undefined)
      return { index: level.index, whole: makeGroup(level.servers), regions: new Map() };
    byRegion.set(region, [...(byRegion.get(region) ?? []), server]);
  }
  return {
    index: level.index,
    whole: makeGroup(level.servers),
    regions: new Map([...byRegion].map(([region, servers]) => [region, makeGroup(servers)])),
  };
}

function namesOf(servers: readonly Server[]): readonly string[] {
  return servers.map((s) => s.name);
}
