/** What the life of a request is made of: handed in by the composition root. */

import type { Clock } from "../base/clock.ts";
import type { Fault } from "../base/fault.ts";
import type { FlightGroup } from "../base/flight.ts";
import type { Facts, Variant } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Purged } from "../cache/purged.ts";
import type { Demand } from "../image/demand.ts";
import type { ImageJob, MadeResult, ProbedResult } from "../image/job.ts";
import type { WaitBoard } from "../image/wait-board.ts";
import type { PeerHealth } from "../mesh/health.ts";
import type { Links } from "../mesh/link.ts";
import type { Ownership } from "../mesh/ownership.ts";
import type { PurgeTold, ToldAnswer } from "../mesh/tell.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { RequestLog } from "../observe/request-log.ts";
import type { Origin } from "../origin/origin.ts";
import type { PathCache } from "../resolve/path-cache.ts";
import type { Resolution } from "../resolve/resolver.ts";
import type { Server, Topology } from "../topology/topology.ts";
import type { Context } from "./context.ts";
import type { Custody } from "./custody.ts";
import type { HedgeBudget } from "./first-of.ts";
import type { Lead } from "./flight.ts";
import type { Flights } from "./flights.ts";
import type { Hot } from "./hot/hot.ts";
import type { Local } from "./local.ts";
import type { Negatives } from "./negatives.ts";
import type { News } from "./news.ts";
import type { Recorder } from "./recorder.ts";
import type { Served } from "./served.ts";
import type { SharedAsks } from "./shared-asks.ts";
import type { Waiters } from "./waiters.ts";
import type { Fills } from "./why/fills.ts";

export interface Parts {
  readonly self: Server;
  readonly topology: Topology;
  readonly cache: Cache;
  readonly purged: Purged;
  readonly local: Local;
  readonly flights: Flights;
  readonly producer: Producer;
  readonly waiters: Waiters;
  /** Requests to other nodes of the level under way in this worker. */
  readonly sharedAsks: SharedAsks;
  /** Lookups of facts under way in this worker, by content id. */
  readonly factFlights: FlightGroup<Facts>;
  readonly negatives: Negatives;
  /** What came into the cache of late by this thread, for `mir why`. */
  readonly fills: Fills;
  readonly ownership: Ownership;
  readonly links: Links;
  readonly recorder: Recorder;
  /** What is asked for most, and who has copies of it. */
  readonly hot: Hot;
  readonly health: PeerHealth;
  readonly hedges: HedgeBudget;
  /** Whether content may still lie with those that owned it before a change of topology. */
  readonly rebalancing: () => boolean;
  /** undefined: this mesh has no origin, or this node cannot open it. */
  readonly origin: Origin | undefined;
  readonly images: ImageService;
  /** What one more image job for such an output would wait, in milliseconds; Infinity: there is no room for it. */
  readonly imageWaitMs: WaitBoard["waitMs"];
  readonly later: Later;
  /** Web ids this worker knows. */
  readonly paths: PathCache;
  readonly resolve: (webId: string, traceparent?: string) => Promise<Resolution>;
  /** Tells every thread of this node, this one included. */
  readonly announce: (news: News) => Promise<void>;
  /** Durable when it resolves: an upload is in the outbox and its picture pinned. See `takeCustody`. */
  readonly custody: (custody: Custody) => Promise<void>;
  /** What a peer says of purges; main acts on it. */
  readonly purge: (message: PurgeTold) => Promise<ToldAnswer>;
  /** What is told of single requests. */
  readonly requests: RequestLog;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * How a variant that is not here is had. Handed in like the rest, since making one variant may load
 * another (its original) by the same way.
 */
export interface Producer {
  /**
   * Ends the flight, or throws. Answers by itself only when nothing could be kept: with what the
   * asker gets, or with the Fault that is its alone (its purpose has a limit that others have not).
   */
  produce(parts: Parts, task: Task, lead: Lead): Promise<Served | Fault | undefined>;
  /** The same for one asker, keeping nothing. */
  direct(parts: Parts, task: Task): Promise<Served>;
}

/** One variant that has to be had. */
export interface Task {
  readonly name: Variant;
  readonly context: Context;
  /** Bytes beyond which the asker has no use for it. */
  readonly bytesMax?: number;
  /** A peer that has it on disk. */
  readonly holder?: string;
}

/** The node's image workers, wherever they are run from. Throws Faults. */
export interface ImageService {
  run(job: ImageJob, demand: Demand): Promise<MadeResult | ProbedResult>;
}

/** What was asked for while there was no image worker for it, and is made afterwards. */
export interface Later extends Disposable {
  order(parts: Parts, name: Variant, context: Context): void;
}
