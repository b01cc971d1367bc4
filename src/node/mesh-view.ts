/** The whole mesh as this node sees it, put together of its own health table and of what the others tell of themselves. */

import { threadsClock } from "../base/clock.ts";
import type { Parts } from "../content/parts.ts";
import type { MeshDocument, MeshLevel, MeshServer } from "../http/mesh-document.ts";
import type { PeerStatus, StatusDocument } from "../http/status-document.ts";
import type { Level, Server, Topology } from "../topology/topology.ts";
import { makeAskAll, type Told } from "./ask-all.ts";
import { askStatus } from "./ask-status.ts";

export interface MeshView extends Disposable {
  look(): Promise<MeshDocument>;
  /** Of the peers that this node watches, as one text: for whoever wants to see a change at once. */
  states(): string;
  /** Other nodes at which an id is hot, as far as they have told; its owner first. */
  hotAt(id: string): readonly Server[];
}

export function makeMeshView(options: {
  /** That follow the topology. */
  readonly parts: Pick<Parts, "topology" | "self" | "health">;
  readonly status: () => StatusDocument;
  readonly token: string | undefined;
}): MeshView {
  const { parts, status, token } = options;
  const topology = (): Topology => parts.topology;
  const self = parts.self.name;
  const nowMs = threadsClock.monotonicMs;
  const asked = makeAskAll({
    others: () => othersOf(topology(), self),
    ask: (server, signal) => askStatus(server, { token, signal }),
    nowMs,
  });
  return {
    async look() {
      await asked.look();
      const at = nowMs() / 1000;
      const own: Told = { kind: "status", status: status(), at };
      const told = (name: string): Told | undefined => (name === self ? own : asked.told(name));
      return meshDocument(topology(), { self, at, told });
    },
    states: () =>
      othersOf(topology(), self)
        .map(({ name }) => parts.health.state(name))
        .join(),
    hotAt(id) {
      const others = othersOf(topology(), self);
      const tells = others.flatMap((server) => {
        const told = asked.told(server.name);
        const item = told?.kind === "status" && told.status.hot.items.find((i) => i.id === id);
        return item ? [{ server, item }] : [];
      });
      const owners = new Set(tells.map(({ item }) => item.owner));
      const owned = others.filter(({ name }) => owners.has(name));
      return [...new Set([...owned, ...tells.map(({ server }) => server)])];
    },
    [Symbol.dispose]: () => asked[Symbol.dispose](),
  };
}

function othersOf({ levels }: Topology, self: string): readonly Server[] {
  return levels.flatMap(({ servers }) => servers).filter(({ name }) => name !== self);
}

/** Of one moment. */
export function meshDocument(
  topology: Topology,
  seen: {
    readonly self: string;
    readonly at: number;
    readonly told: (server: string) => Told | undefined;
  },
): MeshDocument {
  const { self, at, told } = seen;
  const statuses = topology.levels
    .flatMap(({ servers }) => servers)
    .flatMap(({ name }) => {
      const known = told(name);
      return known?.kind === "status" ? [known.status] : [];
    });
  const { name, epoch } = topology;
  const levelOf = (level: Level): MeshLevel => ({
    level: level.index,
    servers: level.servers.map((server) => ({
      ...factsOf(server),
      ...stateOf(server.name, self, statuses),
      ...toldOf(told(server.name)),
    })),
    origins: level.origins.map((origin) => ({
      name: origin.name,
      kind: origin.kind,
      leftAlone: statuses.some(({ origins }) =>
        origins.some((report) => report.origin === origin.name && report.leftAlone),
      ),
    })),
  });
  return { at, server: self, name, epoch, levels: topology.levels.map(levelOf) };
}

function factsOf({
  name,
  region,
  draining,
}: Server): Pick<MeshServer, "name" | "region" | "draining"> {
  return { name, region: region ?? null, draining };
}

function toldOf(told: Told | undefined): Pick<MeshServer, "status" | "statusAt" | "statusReason"> {
  if (told === undefined) return { statusReason: "it has not answered yet" };
  if (told.kind === "reason") return { statusReason: told.reason };
  return { status: told.status, statusAt: told.at };
}

type Seen = Pick<MeshServer, "state" | "seenBy" | "rttMs">;
/** The worst first. */
const BY_TROUBLE = ["down", "suspect", "up"] as const;

/**
 * This node's word where it watches the server. Else that of most who do, the worse one where they are equal. One
 * that nobody watches is up when it has told of itself.
 */
function stateOf(name: string, self: string, statuses: readonly StatusDocument[]): Seen {
  if (name === self) return { state: "up", seenBy: self, rttMs: null };
  const words = statuses.flatMap(({ server, peers }) =>
    peers.filter((peer) => peer.name === name).map((peer) => ({ server, peer })),
  );
  const own = words.find(({ server }) => server === self);
  if (own !== undefined) return seen(self, own.peer);
  const [first] = BY_TROUBLE.map((state) => words.filter(({ peer }) => peer.state === state))
    .sort((a, b) => b.length - a.length)
    .flat();
  if (first !== undefined) return seen(first.server, first.peer);
  const tells = statuses.some(({ server }) => server === name);
  return tells
    ? { state: "up", seenBy: self, rttMs: null }
    : { state: "unknown", seenBy: null, rttMs: null };
}

function seen(seenBy: string, { state, rttMs }: PeerStatus): Seen {
  return { state, seenBy, rttMs };
}
