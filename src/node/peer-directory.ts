/** Where peers listen, and the epoch said to them: of the topology that is followed now. */

import type { PrivateListener, Topology } from "../topology/topology.ts";

export interface PeerDirectory {
  readonly epoch: string;
  /** To be tried in order; [] for an unknown peer. */
  addresses(peer: string): readonly PrivateListener[];
  /** Names of the peers that have moved or gone. */
  follow(topology: Topology): readonly string[];
}

/** A peer that has gone is still found until the next change, for requests that began before it went. */
export function makePeerDirectory(topology: Topology): PeerDirectory {
  let epoch = topology.epoch;
  let known = listenersOf(topology);
  let gone: ReadonlyMap<string, readonly PrivateListener[]> = new Map();
  return {
    get epoch() {
      return epoch;
    },
    addresses: (peer) => known.get(peer) ?? gone.get(peer) ?? [],
    follow(next) {
      const before = known;
      epoch = next.epoch;
      known = listenersOf(next);
      gone = new Map([...before].filter(([name]) => !known.has(name)));
      return [...before]
        .filter(([name, listeners]) => !sameAddresses(listeners, known.get(name) ?? []))
        .map(([name]) => name);
    },
  };
}

function listenersOf({ levels }: Topology): ReadonlyMap<string, readonly PrivateListener[]> {
  return new Map(levels.flatMap(({ servers }) => servers.map((s) => [s.name, s.privates])));
}

function sameAddresses(a: readonly PrivateListener[], b: readonly PrivateListener[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ host, port }, i) => host === b[i]?.host && port === b[i]?.port)
  );
}
