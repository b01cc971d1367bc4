/** Which peers a node watches, and the start of the watch on its main thread. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Credentials } from "../mesh/credentials.ts";
import {
  createHealthMemory,
  type HealthMemory,
  HealthTable,
  type PeerReport,
} from "../mesh/health.ts";
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

export interface PeerWatch extends Disposable {
  /** Of the peers of the topology that is followed now. */
  reports(): readonly PeerReport[];
  /** Watches the peers of another topology; those that stay keep their state. */
  follow(topology: Topology): HealthMemory;
}

export function watchPeers(options: WatchOptions & { readonly memory: HealthMemory }): PeerWatch {
  let { memory } = options;
  let watch = begin(options, options.topology, memory);
  return {
    reports: () => new HealthTable(memory).reportsOfAll(),
    follow(topology) {
      watch[Symbol.dispose]();
      const self = serverNamed(topology, options.self.name);
      memory = createHealthMemory(peersOf(topology, self), memory);
      watch = begin(options, topology, memory);
      return memory;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

interface WatchOptions {
  readonly topology: Topology;
  readonly self: Server;
  readonly credentials: Credentials;
  readonly log: Log;
  readonly clock: Clock;
}

function begin(options: WatchOptions, topology: Topology, memory: HealthMemory): Disposable {
  const { self, credentials, log, clock } = options;
  return supervise({
    ...{ memory, credentials, log, clock },
    addresses: (peer) => serverNamed(topology, peer).privates,
    legacy: (peer) => serverNamed(topology, peer).legacy,
    self: self.name,
    epoch: topology.epoch,
    deadlines: DEADLINES,
    random: Math.random,
  });
}
