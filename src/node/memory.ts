/** Sizes and makes the shared memory of one node. */

import { totalmem } from "node:os";
import type { Disk } from "../cache/disks.ts";
import { LOAD_MAX, SLOTS_MAX } from "../cache/layout.ts";
import { createCacheMemory, INDEX_BYTES_PER_SLOT } from "../cache/memory.ts";
import { createTombstoneTable } from "../cache/tombstone-table.ts";
import { createFlightMemory } from "../content/flight-table.ts";
import { createBusyMemory } from "../content/hot/busy.ts";
import { createProbeMemory } from "../content/probe.ts";
import { createRamMemory } from "../http/ram-memory.ts";
import { shapeText } from "../image/fit.ts";
import { createWaitBoardMemory } from "../image/wait-board.ts";
import { createHealthMemory } from "../mesh/health.ts";
import { createTrafficMemory } from "../mesh/traffic.ts";
import { createCounterMemory } from "../observe/counters.ts";
import { createHistogramMemory } from "../observe/histogram.ts";
import { createLagMemory } from "../observe/lag.ts";
import { createOriginMemory } from "../origin/guard.ts";
import { type Server, sizeNames, type Topology } from "../topology/topology.ts";
import { createBeatMemory } from "./beats.ts";
import type { SharedSet } from "./messages.ts";
import { shareCapacity } from "./share-capacity.ts";
import { peersOf } from "./watch-peers.ts";

/** Bytes a variant takes on average, all classes together; sets the number of slots. */
const VARIANT_BYTES_TYPICAL = 48 * 1024;
const SLOTS_MIN = 16_384;
/** Share of the machine's memory, or of what this process may have of it, that the index takes at most. */
const MEMORY_SHARE = 0.25;

export function createSharedSet(topology: Topology, self: Server, workers: number): SharedSet {
  const tombstones = createTombstoneTable();
  const peers = peersOf(topology, self);
  return {
    disks: createDisks(topology, self, tombstones),
    tombstones,
    flights: createFlightMemory(),
    health: createHealthMemory(peers),
    traffic: createTrafficMemory(peers, workers + 1),
    probes: createProbeMemory(),
    busy: createBusyMemory(workers + 1),
    origins: createOriginMemory(),
    counters: createCounterMemory(workers + 1),
    latencies: createHistogramMemory(workers + 1),
    imageWaits: createWaitBoardMemory(),
    lags: createLagMemory(workers + 1),
    ram: createRamMemory(self.ramBytes, workers),
    beats: createBeatMemory(workers),
  };
}

function createDisks(
  topology: Topology,
  self: Server,
  tombstones: SharedArrayBuffer,
): readonly Disk[] {
  const sizes = sizeNames(topology);
  const shapes = sizes.map((size) => shapeText(topology, size));
  const shares = shareCapacity(self);
  const { eviction } = topology.cache;
  const affordable = memoryBytes() / shares.length;
  return shares.map(({ dir, capacityBytes }) => {
    const slots = slotsFor(capacityBytes, affordable);
    const memory = createCacheMemory({
      ...{ capacityBytes, slots, sizes, shapes },
      ...{ tombstones, eviction },
    });
    return { dir, memory };
  });
}

/** Slots of the index: enough for the capacity at typical sizes, within a share of the memory. */
export function slotsFor(capacityBytes: number, memory: number): number {
  const wanted = Math.ceil(capacityBytes / VARIANT_BYTES_TYPICAL / LOAD_MAX);
  const affordable = Math.floor((memory * MEMORY_SHARE) / INDEX_BYTES_PER_SLOT);
  return Math.max(SLOTS_MIN, Math.min(SLOTS_MAX, affordable, wanted));
}

/** Less than the machine has where a control group says so. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
