/** What `/status` and `/metrics` say of this node (spec §11). */

import type { Clock } from "../base/clock.ts";
import { version } from "../base/version.ts";
import type { DiskUsage } from "../cache/cache.ts";
import type { HotKeeper } from "../content/hot/keeper.ts";
import type { Outbox } from "../content/outbox.ts";
import type { Parts } from "../content/parts.ts";
import type { Rebalancer } from "../content/rebalance.ts";
import type { DiskReport, StatusDocument } from "../http/admin.ts";
import { ramUsage } from "../http/ram-memory.ts";
import type { ImagePool } from "../image/pool.ts";
import { readCounters } from "../observe/counters.ts";
import { type Gauge, renderMetrics } from "../observe/exposition.ts";
import { cacheGauges } from "./cache-gauges.ts";
import type { Crew } from "./crew.ts";
import { heatGauges } from "./heat.ts";
import type { SharedSet } from "./messages.ts";
import { originGauges, originReports } from "./origin-report.ts";
import type { PeerWatch } from "./watch-peers.ts";

export interface StatusSource {
  status(): StatusDocument;
  metrics(): string;
  /** Directories of the cache that are out of order. */
  remarks(): readonly string[];
}

export function makeStatus(options: {
  /** The parts that follow the topology. */
  readonly parts: Parts;
  readonly memory: SharedSet;
  readonly crew: Crew;
  readonly watch: PeerWatch;
  readonly images: ImagePool;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly rebalancer: Rebalancer;
  readonly keeper: Pick<HotKeeper, "status">;
}): StatusSource {
  const { parts, memory, crew, watch, images, clock, outbox, rebalancer, keeper } = options;
  const { cache } = parts;
  const startedMs = clock.monotonicMs();
  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedMs) / 1000);

  return {
    status() {
      const { variants, bytes, capacityBytes } = cache.usage();
      const disks = cache.disks().map(diskReport);
      return {
        server: parts.self.name,
        level: parts.self.level,
        version,
        uptimeSeconds: uptimeSeconds(),
        epoch: parts.topology.epoch,
        workers: crew.states(),
        peers: watch.reports(),
        cache: { variants, bytes, capacityBytes, disks },
        images: images.stats(),
        outbox: { pending: outbox.pending(), aside: outbox.aside().length },
        origins: originReports(memory.origins, parts.topology),
        rebalance: rebalancer.status(),
        hot: keeper.status(),
        counters: readCounters(memory.counters),
      };
    },
    remarks: () =>
      cache
        .disks()
        .filter(({ state }) => state !== "well")
        .map(({ dir, state }) => `disk ${dir}: ${state}`),
    metrics() {
      const { busy, queued, later } = images.stats();
      const gauges: Gauge[] = [
        ...cacheGauges(cache),
        ...heatGauges(keeper),
        {
          name: "ram_bytes",
          help: "Bytes of answers held in memory by all workers",
          value: ramUsage(memory.ram).bytes,
        },
        {
          name: "ram_capacity_bytes",
          help: "Bytes they may take",
          value: ramUsage(memory.ram).roomBytes,
        },
        {
          name: "outbox_pending",
          help: "Uploads on their way to the origin; grows when the next level or the store is down",
          value: outbox.pending(),
        },
        {
          name: "outbox_aside",
          help: "Uploads that cannot be handed on; see the log for their names",
          value: outbox.aside().length,
        },
        {
          name: "rebalance_left",
          help: "Variants here that belong to other servers and wait to be moved",
          value: rebalancer.status().left,
        },
        {
          name: "image_queue_depth",
          help: "Image jobs waiting that were asked for",
          value: queued,
        },
        {
          name: "image_later_depth",
          help: "Image jobs waiting that are made for later",
          value: later,
        },
        { name: "image_busy", help: "Image jobs running", value: busy },
        { name: "uptime_seconds", help: "Seconds since start", value: uptimeSeconds() },
        ...originGauges(memory.origins, parts.topology),
        ...watch.reports().map(({ name, state }) => ({
          name: "peer_up",
          help: "1 for a peer that is up, 0 for one that is suspect or down",
          labels: { peer: name },
          value: state === "up" ? 1 : 0,
        })),
      ];
      return renderMetrics({
        counters: readCounters(memory.counters),
        gauges,
        latencies: memory.latencies,
      });
    },
  };
}

function diskReport({ dir, state, variants, bytes, capacityBytes }: DiskUsage): DiskReport {
  return { dir, state, variants, bytes, capacityBytes };
}
