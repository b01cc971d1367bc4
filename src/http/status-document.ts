/** `GET /status`: what a node tells of itself (spec §11). */

import type { DiskState } from "../cache/disk-state.ts";
import type { HotStatus } from "../content/hot/keeper.ts";
import type { RebalanceStatus } from "../content/rebalance.ts";
import type { CounterName } from "../observe/counters.ts";
import type { LatencySums } from "../observe/histogram.ts";
import type { RecentRates } from "../observe/recent-rates.ts";

export interface StatusDocument {
  readonly server: string;
  readonly level: number;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly epoch: string;
  /** A short name of what sizes say here; undefined from an older node. */
  readonly classes?: string | undefined;
  /** It has been told to stop: `/readyz` says 503. */
  readonly draining: boolean;
  readonly workers: readonly WorkerStatus[];
  readonly peers: readonly PeerStatus[];
  readonly cache: CacheStatus;
  /** Answers held in memory by all workers. */
  readonly ram: { readonly bytes: number; readonly roomBytes: number };
  /** What the process has of the machine's memory, its image workers not counted. */
  readonly residentBytes: number;
  readonly images: {
    readonly workers: number;
    readonly busy: number;
    readonly queued: number;
    readonly later: number;
    /** Image workers that came to nothing in a row, and how long the next one waits for it. */
    readonly inARow?: number | undefined;
    readonly nextTryMs?: number | undefined;
  };
  /** Uploads that this node vouches for: on their way, and set aside for people to look at. */
  readonly outbox: { readonly pending: number; readonly aside: number };
  /** The stores, and what of them is left alone because it keeps failing. */
  readonly origins: readonly {
    readonly origin: string;
    readonly what: "probe" | "body" | "put";
    readonly leftAlone: boolean;
    readonly waitMs: number;
  }[];
  readonly rebalance: RebalanceStatus;
  readonly hot: HotStatus;
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly latencies: LatencyStatus;
  /** Of late. */
  readonly rates: RecentRates;
}

export interface WorkerStatus {
  readonly worker: number;
  readonly state: string;
  /** Times it was started again, and of those the ones in a row. */
  readonly restarts?: number | undefined;
  readonly inARow?: number | undefined;
  /** For so long it has not served, and until it is started again. */
  readonly awayMs?: number | undefined;
  readonly nextTryMs?: number | undefined;
}

/** A peer that this node watches. */
export interface PeerStatus {
  readonly name: string;
  readonly state: "up" | "suspect" | "down";
  readonly rttMs: number | null;
  /** Unix seconds. */
  readonly lastSeen: number | null;
  /** What this node has had from it since it started. */
  readonly answers: number;
  readonly bodyBytes: number;
}

export interface CacheStatus {
  readonly variants: number;
  readonly bytes: number;
  /** Of uploads on their way; a part of `bytes`. */
  readonly pinnedBytes: number;
  /** Promised to loads under way. */
  readonly reservedBytes: number;
  readonly capacityBytes: number;
  /** What it may take for now: the capacity, or less where the file system has less. */
  readonly limitBytes: number;
  /** Its directories. */
  readonly disks: readonly DiskReport[];
}

export interface DiskReport {
  readonly dir: string;
  readonly state: DiskState;
  readonly variants: number;
  readonly bytes: number;
  readonly capacityBytes: number;
}

/** How long answers took since the node started; of a window, take the difference of two. */
export interface LatencyStatus {
  /** Upper ends of the buckets; what took longer falls into one more. */
  readonly boundsSeconds: readonly number[];
  readonly outcomes: readonly LatencySums[];
}
