/** Every figure that goes up and down, once: its name, its meaning, its unit, and what to do about it. */

import type { MetricKind } from "./metric.ts";

interface GaugeKind extends MetricKind {
  /** What tells figures of one name apart. */
  readonly labels?: readonly string[];
  /** Absent: a gauge. Figures of the process that only grow are counters to Prometheus. */
  readonly type?: "counter";
}

/** In `/metrics` each is `mir_{name}`, but for those that begin with `process_`. */
export const GAUGES = {
  build_info: {
    help: "Always 1; which version of mir this is, and of the runtime in it",
    action: "several versions for long: finish the roll-out",
    labels: ["version", "runtime"],
  },
  uptime_seconds: {
    help: "Seconds since the node started",
    action: "small again and again: it is being restarted; see its last log lines",
    unit: "seconds",
  },
  cache_bytes: {
    help: "Bytes of cached variants on disk",
    action: "none: a full cache is a good one",
    unit: "bytes",
  },
  cache_reserved_bytes: {
    help: "Bytes promised to loads under way",
    action: "near the capacity: it is too small for what is loaded at once",
    unit: "bytes",
  },
  cache_capacity_bytes: {
    help: "Bytes the cache may take",
    action: "none; see capacity",
    unit: "bytes",
  },
  cache_limit_bytes: {
    help: "Bytes the cache may take for now: its capacity, or less where the file system has less",
    action: "below the capacity: something else fills the file system",
    unit: "bytes",
  },
  cache_pinned_bytes: {
    help: "Bytes of uploads that wait to be handed on; above half of the capacity more are refused",
    action: "see outbox_pending",
    unit: "bytes",
  },
  cache_variants: { help: "Cached variants", action: "none" },
  cache_writable: {
    help: "1 while the cache directory can be written; 0: answers are served without being kept",
    action: "0: see the log; look at the disk, its room and who owns cache_dir",
  },
  cache_disk_well: {
    help: "1 for a directory of the cache that can be read and written, 0 for one that is out of order",
    action: "0: see /status and the log for why; look at the disk",
    labels: ["dir"],
  },
  ram_bytes: {
    help: "Bytes of answers held in memory by all workers",
    action: "full, and many ram_dropped: raise ram",
    unit: "bytes",
  },
  ram_capacity_bytes: { help: "Bytes they may take", action: "none; see ram", unit: "bytes" },
  hot_items: { help: "Ids whose heat is tracked", action: "none" },
  hot_copies: {
    help: "Copies of this node's content that other servers are known to have",
    action: "none",
  },
  replica_bytes: {
    help: "Bytes of copies kept here for other servers; bounded by hot.replica_share",
    action: "at its bound, and many warm_refused: raise hot.replica_share",
    unit: "bytes",
  },
  worker_serving: {
    help: "1 for a worker that serves, 0 for one that is starting again or has stalled",
    action: "0: see /status and the log for why",
    labels: ["worker"],
  },
  outbox_pending: {
    help: "Uploads on their way to the origin",
    action: "grows: the next level or the store is down; see outbox_retry and the log",
  },
  outbox_aside: {
    help: "Uploads that cannot be handed on and were set aside with their file",
    action: "above 0: see the log for their names",
  },
  rebalance_left: {
    help: "Variants here that belong to other servers and wait to be moved",
    action: "does not fall: see mir rebalance --status",
  },
  image_queue_depth: {
    help: "Image jobs waiting that were asked for",
    action: "above 0 for long: add image workers",
  },
  image_later_depth: {
    help: "Image jobs waiting that are made for later",
    action: "none: they go behind everything else",
  },
  image_busy: { help: "Image jobs running", action: "always at image_workers: add some" },
  origin_left_alone: {
    help: "1 while a store keeps failing and gets a trial only now and then; by what fails",
    action: "1: look at the store; see the log for its answers",
    labels: ["origin", "what"],
  },
  peer_up: {
    help: "1 for a peer that is up, 0 for one that is suspect or down",
    action: "0: look at that node, and at the network in between",
    labels: ["peer"],
  },
  certificate_expiry_seconds: {
    help: "When the time of a certificate in use is over, in Unix seconds; public is that of [tls], mesh that of [security]",
    action: "two weeks ahead or less: renew it",
    unit: "seconds",
    labels: ["certificate"],
  },
  thread_lag_seconds: {
    help: "The longest time of late that a thread was too busy to look at what had come; 0 is main",
    action: "above 0.1 for long: too few workers, or a disk that does not answer",
    unit: "seconds",
    labels: ["thread"],
  },
  process_resident_memory_bytes: {
    help: "Bytes of memory that the process has, without its image workers",
    action: "near what the machine has: lower ram or capacity, or add memory",
    unit: "bytes",
  },
  process_open_fds: {
    help: "Open file descriptors",
    action: "near process_max_fds: raise LimitNOFILE or ulimit -n",
  },
  process_max_fds: { help: "File descriptors the process may have open", action: "none" },
  process_cpu_seconds_total: {
    help: "Seconds of processor time that the process has taken, user and system, without its image workers",
    action: "a second for each second and processor: add machines",
    unit: "seconds",
    type: "counter",
  },
  process_start_time_seconds: {
    help: "When the process started, in Unix seconds",
    action: "none",
    unit: "seconds",
  },
} as const satisfies Record<string, GaugeKind>;

export type GaugeName = keyof typeof GAUGES;

export const GAUGE_NAMES = Object.keys(GAUGES) as GaugeName[];

/** One figure of now. */
export interface Gauge {
  readonly name: GaugeName;
  /** Gauges that differ in nothing else stand one after the other. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The same with what is said of it. */
export function gaugeKind(name: GaugeName): GaugeKind {
  return GAUGES[name];
}
