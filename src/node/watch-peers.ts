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
import {
  createTrafficMemory,
  type PeerTraffic,
  readTraffic,
  type TrafficMemory,
  trafficRows,
} from "../mesh/traffic.ts";
import type { Log } from "../observe/log.ts";
import { groupsOf } from "../topology/groups.ts";
import { type Server, serverNamed, type Topology } from "../topology/topology.ts";

/** What threads share of the peers of one topology. */
export interface PeerMemory {
  readonly health: HealthMemory;
  readonly traffic: TrafficMemory;
}

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
  reports(): readonly (PeerReport & PeerTraffic)[];
  /** Watches the peers of another topology; those that stay keep their state. */
  follow(topology: Topology): PeerMemory;
}

export function watchPeers(options: WatchOptions & { readonly memory: PeerMemory }): PeerWatch {
  let { health, traffic } = options.memory;
  let watch = begin(options, options.topology, health);
  return {
    reports() {
      const had = readTraffic(traffic);
      return new HealthTable(health)
        .reportsOfAll()
        .map((report) => ({ ...report, ...(had.get(report.name) ?? NOTHING_YET) }));
    },
    follow(topology) {
      watch[Symbol.dispose]();
      const self = serverNamed(topology, options.self.name);
      const peers = peersOf(topology, self);
      health = createHealthMemory(peers, health);
      traffic = createTrafficMemory(peers, trafficRows(traffic), traffic);
      watch = begin(options, topology, health);
      return { health, traffic };
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

const NOTHING_YET: PeerTraffic = { answers: 0, bodyBytes: 0 };

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
