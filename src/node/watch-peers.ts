/** Which peers a node watches, and the start of the watch on its main thread. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Credentials } from "../mesh/credentials.ts";
import type { HealthMemory } from "../mesh/health.ts";
import { supervise } from "../mesh/supervise.ts";
import type { Log } from "../observe/log.ts";
import { groupsOf } from "../topology/groups.ts";
import { type Server, serverNamed, type Topology } from "../topology/topology.ts";

/** Those it may ever ask: the others of its group, and all servers of the levels below. */
export function peersOf(topology: Topology, self: Server): readonly string[] {
  const group = topology.levels
    .filter((level) => level.index === self.level)
    .flatMap(groupsOf)
    .find(({ servers }) => servers.some(({ name }) => name === self.name));
  const below = topology.levels.filter(({ index }) => index > self.level);
  return [...(group?.servers ?? []), ...below.flatMap(({ servers }) => servers)]
    .filter(({ name, privates }) => name !== self.name && privates.length > 0)
    .map(({ name }) => name);
}

export function watchPeers(options: {
  readonly topology: Topology;
  readonly self: Server;
  readonly memory: HealthMemory;
  readonly credentials: Credentials;
  readonly log: Log;
  readonly clock: Clock;
}): Disposable {
  const { topology, self, ...rest } = options;
  return supervise({
    ...rest,
    addresses: (peer) => serverNamed(topology, peer).privates,
    self: self.name,
    epoch: topology.epoch,
    deadlines: DEADLINES,
    random: Math.random,
  });
}
