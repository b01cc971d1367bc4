/** What `/status` and `/metrics` say of this node (spec §11). */

import type { Clock } from "../base/clock.ts";
import { version } from "../base/version.ts";
import type { Cache, DiskUsage } from "../cache/cache.ts";
import type { HotKeeper } from "../content/hot/keeper.ts";
import type { Outbox } from "../content/outbox.ts";
import type { Parts } from "../content/parts.ts";
import type { Rebalancer } from "../content/rebalance.ts";
import { ramUsage } from "../http/ram-memory.ts";
import type {
  CacheStatus,
  DiskReport,
  LatencyStatus,
  StatusDocument,
} from "../http/status-document.ts";
import type { ImagePool, PoolStats } from "../image/pool.ts";
import { readCounters } from "../observe/counters.ts";
import { type ExpositionFormat, renderMetrics } from "../observe/exposition.ts";
import type { Gauge } from "../observe/gauges.ts";
import { LATENCY_BUCKETS, readLatencies } from "../observe/histogram.ts";
import { makeRecentRates, type RecentRates } from "../observe/recent-rates.ts";
import { classesOf } from "../topology/epoch.ts";
import { cacheGauges } from "./cache-gauges.ts";
import { certificateGauges } from "./certificates.ts";
import type { Crew } from "./crew.ts";
import { type WorkerReport, whyLost, whyUnready, workerRemarks } from "./health.ts";
import { heatGauges } from "./heat.ts";
import type { SharedSet } from "./messages.ts";
import { originGauges, originReports } from "./origin-report.ts";
import { processGauges } from "./process-gauges.ts";
import type { PeerWatch } from "./watch-peers.ts";

export interface StatusSource {
  status(): StatusDocument;
  metrics(format: ExpositionFormat): string;
  /** What is out of order: workers, image workers, directories of the cache. */
  remarks(): readonly string[];
  /** Why requests should go elsewhere, and why only a restart of the process helps. */
  unready(): string | undefined;
  unwell(): string | undefined;
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
  readonly ready: () => boolean;
  readonly ownFiles: readonly { trouble(): string | undefined }[];
  readonly shown: Parameters<typeof certificateGauges>[0];
}): StatusSource {
  const { parts, memory, crew, watch, images, clock, outbox, rebalancer, keeper } = options;
  const { cache } = parts;
  const rates = ratesOf(options);
  const startedMs = clock.monotonicMs();
  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedMs) / 1000);

  return {
    status() {
      return {
        server: parts.self.name,
        level: parts.self.level,
        version,
        uptimeSeconds: uptimeSeconds(),
        epoch: parts.topology.epoch,
        classes: classesOf(parts.topology),
        draining: !options.ready(),
        workers: crew.states(),
        peers: watch.reports(),
        cache: cacheStatus(cache),
        ram: ramUsage(memory.ram),
        residentBytes: process.memoryUsage.rss(),
        images: images.stats(),
        outbox: { pending: outbox.pending(), aside: outbox.aside().length },
        origins: originReports(memory.origins, parts.topology),
        rebalance: rebalancer.status(),
        hot: keeper.status(),
        counters: readCounters(memory.counters),
        latencies: latencyStatus(memory),
        rates: rates(),
      };
    },
    unready: () => whyUnready(crew.states()),
    unwell: () => whyLost(crew.states()),
    remarks: () => [
      ...workerRemarks(crew.states()),
      ...imageRemarks(images.stats()),
      ...cache.disks().flatMap(diskRemarks),
      ...options.ownFiles
        .map((files) => files.trouble())
        .filter((trouble) => trouble !== undefined),
    ],
    metrics(format) {
      const figures = {
        counters: readCounters(memory.counters),
        gauges: [
          ...processGauges(memory.lags),
          { name: "uptime_seconds" as const, value: uptimeSeconds() },
          ...cacheGauges(cache),
          ...ramGauges(memory.ram),
          ...heatGauges(keeper),
          ...workGauges(options),
          ...crew.states().map(workerGauge),
          ...originGauges(memory.origins, parts.topology),
          ...watch.reports().map(peerGauge),
          ...certificateGauges(options.shown),
        ],
        latencies: memory.latencies,
      };
      return renderMetrics(figures, format);
    },
  };
}

function ramGauges(memory: SharedSet["ram"]): readonly Gauge[] {
  const { bytes, roomBytes } = ramUsage(memory);
  return [
    { name: "ram_bytes", value: bytes },
    { name: "ram_capacity_bytes", value: roomBytes },
  ];
}

function workGauges({
  outbox,
  rebalancer,
  images,
}: Pick<Parameters<typeof makeStatus>[0], "outbox" | "rebalancer" | "images">): readonly Gauge[] {
  const { busy, queued, later } = images.stats();
  return [
    { name: "outbox_pending", value: outbox.pending() },
    { name: "outbox_aside", value: outbox.aside().length },
    { name: "rebalance_left", value: rebalancer.status().left },
    { name: "image_queue_depth", value: queued },
    { name: "image_later_depth", value: later },
    { name: "image_busy", value: busy },
  ];
}

function peerGauge({ name, state }: ReturnType<PeerWatch["reports"]>[number]): Gauge {
  return { name: "peer_up", labels: { peer: name }, value: state === "up" ? 1 : 0 };
}

function workerGauge({ worker, state }: WorkerReport): Gauge {
  return {
    name: "worker_serving",
    labels: { worker: String(worker) },
    value: state === "serving" ? 1 : 0,
  };
}

function diskRemarks({ dir, state }: DiskUsage): readonly string[] {
  return state === "well" ? [] : [`disk ${dir}: ${state}`];
}

function imageRemarks({ inARow, nextTryMs }: PoolStats): readonly string[] {
  if (nextTryMs === 0) return [];
  return [`image workers: ${inARow} have died in a row; the next is started in ${nextTryMs} ms`];
}

function ratesOf({
  memory,
  watch,
  clock,
}: Pick<Parameters<typeof makeStatus>[0], "memory" | "watch" | "clock">): () => RecentRates {
  return makeRecentRates({
    counters: () => readCounters(memory.counters),
    peerBytes: () => watch.reports().reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
    clock,
  });
}

function latencyStatus({ latencies }: Pick<SharedSet, "latencies">): LatencyStatus {
  return { boundsSeconds: LATENCY_BUCKETS, outcomes: readLatencies(latencies) };
}

function cacheStatus(cache: Pick<Cache, "usage" | "disks">): CacheStatus {
  const { unwritable: _, ...usage } = cache.usage();
  return { ...usage, disks: cache.disks().map(diskReport) };
}

function diskReport({ dir, state, variants, bytes, capacityBytes }: DiskUsage): DiskReport {
  return { dir, state, variants, bytes, capacityBytes };
}
