/** What main and its worker threads say to each other. */

import type { FaultCode } from "../base/fault.ts";
import type { Disk } from "../cache/disks.ts";
import type { Custody } from "../content/custody.ts";
import type { FlightMemory } from "../content/flight-table.ts";
import type { HeatReport } from "../content/hot/demand.ts";
import type { HotNews } from "../content/hot/hot.ts";
import type { News } from "../content/news.ts";
import type { ProbeMemory } from "../content/probe.ts";
import type { Recalled, WhyWish } from "../content/why/recall.ts";
import type { ServerPem } from "../http/public-listener.ts";
import type { RamMemory } from "../http/ram-memory.ts";
import type { Demand } from "../image/demand.ts";
import type { ImageJob } from "../image/job.ts";
import type { Credentials } from "../mesh/credentials.ts";
import type { HealthMemory } from "../mesh/health.ts";
import type { PurgeTold } from "../mesh/tell.ts";
import type { TrafficMemory } from "../mesh/traffic.ts";
import type { LogLevel } from "../observe/log.ts";
import type { S3Secrets } from "../origin/origin.ts";
import type { Topology } from "../topology/topology.ts";

/** Everything a worker thread is started with. */
export interface WorkerSetup {
  readonly topology: Topology;
  readonly server: string;
  /** 1 for the first; 0 is main in every shared table. */
  readonly worker: number;
  readonly memory: SharedSet;
  readonly secrets: S3Secrets | undefined;
  /** What nodes show each other on control connections. */
  readonly credentials: Credentials;
  readonly uploadKeys: readonly string[];
  /** What public listeners show. */
  readonly publicTls: ServerPem | undefined;
  /** Ports of public `net` listeners by position, where an earlier worker has bound port 0. */
  readonly ports: readonly number[];
  readonly log: LogWish;
}

export interface LogWish {
  readonly level: LogLevel;
  readonly json: boolean;
  /** In place of the topology's `log.access`. */
  readonly access?: number;
}

/** The shared memory of one node. */
export interface SharedSet {
  /** One for each directory of the cache. */
  readonly disks: readonly Disk[];
  /** Ids that were purged or blocked; that of every index too. */
  readonly tombstones: SharedArrayBuffer;
  readonly flights: FlightMemory;
  readonly health: HealthMemory;
  readonly traffic: TrafficMemory;
  readonly probes: ProbeMemory;
  /** Requests of peers under way, by thread. */
  readonly busy: SharedArrayBuffer;
  /** Which stores are left alone. */
  readonly origins: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly latencies: SharedArrayBuffer;
  /** What one more image job would wait. */
  readonly imageWaits: SharedArrayBuffer;
  /** How late each thread was. */
  readonly lags: SharedArrayBuffer;
  readonly ram: RamMemory;
  /** Moves while a worker's event loop turns. */
  readonly beats: SharedArrayBuffer;
}

/** What threads go by, from a change of the topology on. */
export interface Followed {
  readonly topology: Topology;
  /** Of the peers in it. */
  readonly health: HealthMemory;
  readonly traffic: TrafficMemory;
}

export interface ListenerReport {
  readonly kind: "public" | "private" | "admin";
  readonly address: string;
  readonly port: number | undefined;
}

/** Work that only main may do: one resolver call an id, one pool of image workers (design decision 1). */
export type MainCall =
  | { readonly what: "resolve"; readonly webId: string; readonly traceparent?: string }
  /** Every thread is to hear it. */
  | { readonly what: "announce"; readonly news: News }
  /** There is one outbox. */
  | { readonly what: "custody"; readonly custody: Custody }
  | { readonly what: "purge"; readonly message: PurgeTold }
  /** There is one hot-item tracker, and one list of copies. */
  | { readonly what: "heat"; readonly report: HeatReport }
  | { readonly what: "admit"; readonly relname: string; readonly bytes: number }
  | {
      readonly what: "image";
      readonly job: ImageJob;
      readonly wish: Omit<Demand, "gone" | "hurry">;
    };

/** What may still be said of work that waits. */
export type Steering = "leave" | "hurry";

export interface FaultReport {
  readonly code: FaultCode;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

export type ToMain =
  | {
      readonly kind: "ready";
      readonly listeners: readonly ListenerReport[];
      readonly ports: readonly number[];
    }
  | { readonly kind: "failed"; readonly fault: FaultReport }
  | { readonly kind: "call"; readonly call: number; readonly request: MainCall }
  /** Of a call that has not been answered yet; see `Demand`. */
  | { readonly kind: "steer"; readonly call: number; readonly to: Steering }
  /** What the thread knows of an id; undefined: it could not say. */
  | { readonly kind: "recalled"; readonly recall: number; readonly recalled: Recalled | undefined }
  /** The topology that was told last is followed. */
  | { readonly kind: "following" }
  | { readonly kind: "drained" };

export type ToWorker =
  | { readonly kind: "answer"; readonly call: number; readonly result: unknown }
  | { readonly kind: "refusal"; readonly call: number; readonly fault: FaultReport }
  | { readonly kind: "news"; readonly news: News }
  | { readonly kind: "hot"; readonly hot: HotNews }
  /** Say what you know of an id: `recalled`. */
  | { readonly kind: "recall"; readonly recall: number; readonly wish: WhyWish }
  /** What begins from now on follows this topology; say `following`. */
  | { readonly kind: "follow"; readonly followed: Followed }
  /** New public connections get this certificate. */
  | { readonly kind: "certify"; readonly tls: ServerPem }
  /** Answer with `Connection: close` from now on. */
  | { readonly kind: "drain" }
  /** Stop accepting, finish what is in flight, say `drained`. */
  | { readonly kind: "stop" };
