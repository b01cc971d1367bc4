/** Sizes and makes the shared memory of one node. */

import { mkdirSync, statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { LOAD_MAX, SLOTS_MAX } from "../cache/layout.ts";
import { createCacheMemory, INDEX_BYTES_PER_SLOT } from "../cache/memory.ts";
import { createFlightMemory } from "../content/flight-table.ts";
import { createProbeMemory } from "../content/probe.ts";
import { createRamMemory } from "../http/ram-memory.ts";
import { createHealthMemory } from "../mesh/health.ts";
import { createCounterMemory } from "../observe/counters.ts";
import { createHistogramMemory } from "../observe/histogram.ts";
import { type Server, sizeNames, type Topology } from "../topology/topology.ts";
import type { SharedSet } from "./messages.ts";
import { peersOf } from "./watch-peers.ts";

/** Bytes a variant takes on average, all classes together; sets the number of slots. */
const VARIANT_BYTES_TYPICAL = 48 * 1024;
const SLOTS_MIN = 16_384;
/** Share of the machine's memory, or of what this process may have of it, that the index takes at most. */
const MEMORY_SHARE = 0.25;
/** Share of the file system taken when the topology names no capacity (spec §11). */
const CAPACITY_SHARE = 0.9;

export function createSharedSet(topology: Topology, self: Server, workers: number): SharedSet {
  const capacityBytes = self.capacityBytes ?? shareOfDisk(self.cacheDir);
  const slots = slotsFor(capacityBytes, memoryBytes());
  return {
    cache: createCacheMemory({ capacityBytes, slots, sizes: sizeNames(topology) }),
    flights: createFlightMemory(),
    health: createHealthMemory(peersOf(topology, self)),
    probes: createProbeMemory(),
    counters: createCounterMemory(workers + 1),
    latencies: createHistogramMemory(workers + 1),
    ram: createRamMemory(self.ramBytes, workers),
  };
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

function shareOfDisk(dir: string): number {
  mkdirSync(dir, { recursive: true });
  const { blocks, bsize } = statfsSync(dir);
  return Math.floor(blocks * bsize * CAPACITY_SHARE);
}
