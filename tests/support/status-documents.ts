/** Documents as nodes tell them, for those who read them. */

import type { MeshDocument, MeshServer } from "../../src/http/mesh-document.ts";
import type { PeerStatus, StatusDocument } from "../../src/http/status-document.ts";
import { createCounterMemory, readCounters } from "../../src/observe/counters.ts";
import { NO_RECENT_RATES } from "../../src/observe/recent-rates.ts";

const NO_COUNTERS = readCounters(createCounterMemory(1));

/** Of a node that has just started, but for what is given. */
export function statusDocument(given: Partial<StatusDocument> = {}): StatusDocument {
  return {
    server: "edge-1",
    level: 0,
    version: "0.1.0",
    uptimeSeconds: 7,
    epoch: "0123456789abcdef",
    classes: "89abcdef01234567",
    draining: false,
    workers: [{ worker: 1, state: "serving" }],
    peers: [],
    cache: {
      ...{ variants: 1, bytes: 4096, pinnedBytes: 0, reservedBytes: 0 },
      ...{ capacityBytes: 1e9, limitBytes: 1e9 },
      disks: [{ dir: "/a", state: "well", variants: 1, bytes: 4096, capacityBytes: 1e9 }],
    },
    ram: { bytes: 0, roomBytes: 1e8 },
    residentBytes: 1e8,
    images: { workers: 2, busy: 0, queued: 0, later: 0 },
    outbox: { pending: 0, aside: 0 },
    origins: [{ origin: "store", what: "probe", leftAlone: false, waitMs: 0 }],
    rebalance: {
      ...{ state: "idle", since: 1_700_000_000, settled: true, moved: 0, movedBytes: 0 },
      ...{ left: 0, leftBytes: 0, failed: 0, fault: undefined, passes: 0 },
    },
    hot: {
      ...{ threshold: 5, requestsPerMinute: 0, items: [], tracked: 0, copies: 0 },
      replicas: { count: 0, bytes: 0, roomBytes: 0 },
    },
    counters: NO_COUNTERS,
    latencies: { boundsSeconds: [], outcomes: [] },
    rates: NO_RECENT_RATES,
    ...given,
  };
}

export function countersWith(
  given: Partial<StatusDocument["counters"]>,
): StatusDocument["counters"] {
  return { ...NO_COUNTERS, ...given };
}

export function peerStatus(name: string, given: Partial<PeerStatus> = {}): PeerStatus {
  const heard = { state: "up", rttMs: 0.4, lastSeen: 1_700_000_000 } as const;
  return { name, ...heard, answers: 0, bodyBytes: 0, ...given };
}

/** One level of servers that are up. */
export function meshDocument(
  servers: readonly Pick<MeshServer, "name" | "status" | "statusAt">[],
): MeshDocument {
  const up = { region: null, draining: false, state: "up", seenBy: "edge-1", rttMs: 1 } as const;
  return {
    ...{ at: 100, server: "edge-1", name: "test", epoch: "0123456789abcdef" },
    levels: [
      { level: 0, servers: servers.map((server) => ({ ...up, ...server })), origins: [] },
      { level: 1, servers: [], origins: [{ name: "store", kind: "directory", leftAlone: false }] },
    ],
  };
}
