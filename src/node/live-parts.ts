/** The parts of one thread over changes of the topology: one set for each, taken whole by each request. */

import type { Parts } from "../content/parts.ts";
import { HealthTable } from "../mesh/health.ts";
import { makeOwnership } from "../mesh/ownership.ts";
import { openTraffic } from "../mesh/traffic.ts";
import { serverNamed, type Topology } from "../topology/topology.ts";
import type { Followed } from "./messages.ts";
import { makeParts, originOf, type PartsOptions, requestLogOf } from "./parts.ts";
import { makePeerDirectory } from "./peer-directory.ts";

export interface LiveParts {
  /** The set of now; it never changes, so who holds it sees one topology to the end. */
  now(): Parts;
  /** For what outlives a change: each field is the one of now whenever it is read. Not to be taken apart. */
  readonly always: Parts;
  /** Another set from now on, of the same caches, flights, links and memories. */
  follow(followed: Followed): void;
}

export function makeLiveParts(
  options: Omit<PartsOptions, "peers" | "onLost" | "traffic">,
): LiveParts {
  const { secrets, memory, worker } = options;
  let counted = openTraffic(memory.traffic, worker);
  const peers = makePeerDirectory(options.topology);
  const first = makeParts({
    ...options,
    peers,
    onLost: (peer) => current.health.report(peer),
    traffic: {
      answered: (peer) => counted.answered(peer),
      received: (peer, bytes) => counted.received(peer, bytes),
    },
  });
  let current: Parts = first;
  return {
    now: () => current,
    always: new Proxy(first, { get: (_, key) => Reflect.get(current, key) }),
    follow({ topology, health, traffic }) {
      counted = openTraffic(traffic, worker);
      const { counters, log, clock, links } = current;
      // with the same stores stays what is known of their health
      const origin =
        originsOf(topology) === originsOf(current.topology)
          ? current.origin
          : originOf(topology, { secrets, breakers: memory.origins, counters, log, clock });
      current = {
        ...current,
        self: serverNamed(topology, options.server),
        topology,
        ownership: makeOwnership(topology),
        origin,
        requests: requestLogOf(topology, { ...options, wish: options.log, log, clock }),
        health: new HealthTable(health),
      };
      for (const peer of peers.follow(topology)) links.forget(peer);
    },
  };
}

function originsOf({ levels }: Topology): string {
  return JSON.stringify(levels.flatMap(({ origins }) => origins));
}
