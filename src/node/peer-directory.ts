/** Where peers listen, and the epoch said to them: of the topology that is followed now. */

import type { PrivateListener, Server, Topology } from "../topology/topology.ts";

export interface PeerDirectory {
  readonly epoch: string;
  /** To be tried in order; [] for an unknown peer. */
  addresses(peer: string): readonly PrivateListener[];
  /** It speaks the original protocol only; false for an unknown peer. */
  legacy(peer: string): boolean;
  /** Names of the peers that have moved or gone. */
  follow(topology: Topology): readonly string[];
}

/** A peer that has gone is still found until the next change, for requests that began before it went. */
export function makePeerDirectory(topology: Topology): PeerDirectory {
  let epoch = topology.epoch;
  let known = peersOf(topology);
  let gone: ReadonlyMap<string, Peer> = new Map();
  const find = (peer: string): Peer | undefined => known.get(peer) ?? gone.get(peer);
  return {
    get epoch() {
      return epoch;
    },
    addresses: (peer) => find(peer)?.privates ?? [],
    legacy: (peer) => find(peer)?.legacy === true,
    follow(next) {
      const before = known;
      epoch = next.epoch;
      known = peersOf(next);
      gone = new Map([...before].filter(([name]) => !known.has(name)));
      return [...before]
        .filter(([name, peer]) => !sameAddresses(peer, known.get(name)))
        .map(([name]) => name);
    },
  };
}

type Peer = Pick<Server, "privates" | "legacy">;

function peersOf({ levels }: Topology): ReadonlyMap<string, Peer> {
  return new Map(levels.flatMap(({ servers }) => servers.map((s) => [s.name, s])));
}

/** And the same words: one that has learnt more is dialled anew. */
function sameAddresses(a: Peer, b: Peer | undefined): boolean {
  return (
    a.legacy === b?.legacy &&
    a.privates.length === b.privates.length &&
    a.privates.every(
      ({ host, port }, i) => host === b.privates[i]?.host && port === b.privates[i]?.port,
    )
  );
}
