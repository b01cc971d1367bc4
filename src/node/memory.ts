/** Sizes and makes the shared memory of one node. */

import { mkdirSync, statfsSync } from "node:fs";
import { LOAD_MAX, SLOTS_MAX } from "../cache/layout.ts";
import { createCacheMemory } from "../cache/memory.ts";
import { createFlightMemory } from "../content/flight-table.ts";
import { createProbeMemory } from "../content/probe.ts";
import { createHealthMemory } from "../mesh/health.ts";
import { createCounterMemory } from "../observe/counters.ts";
import { createHistogramMemory } from "../observe/histogram.ts";
import { type Server, sizeNames, type Topology } from "../topology/topology.ts";
import type { SharedSet } from "./messages.ts";
import { peersOf } from "./watch-peers.ts";

/** Bytes a variant takes on average, all classes together; sets the number of slots. */
const VARIANT_BYTES_TYPICAL = 48 * 1024;
const SLOTS_MIN = 16_384;
/** Share of the file system taken when the topology names no capacity (spec §11). */
const CAPACITY_SHARE = 0.9;

export function createSharedSet(topology: Topology, self: Server, workers: number): SharedSet {
  const capacityBytes = self.capacityBytes ?? shareOfDisk(self.cacheDir);
  const wanted = Math.ceil(capacityBytes / VARIANT_BYTES_TYPICAL / LOAD_MAX);
  const slots = Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, wanted));
  return {
    cache: createCacheMemory({ capacityBytes, slots, sizes: sizeNames(topology) }),
    flights: createFlightMemory(),
    health: createHealthMemory(peersOf(topology, self)),
    probes: createProbeMemory(),
    counters: createCounterMemory(workers + 1),
    latencies: createHistogramMemory(workers + 1),
  };
}

function shareOfDisk(dir: string): number {
  mkdirSync(dir, { recursive: true });
  const { blocks, bsize } = statfsSync(dir);
  return Math.floor(blocks * bsize * CAPACITY_SHARE);
}
