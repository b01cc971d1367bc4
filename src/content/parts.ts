/** What the life of a request is made of: handed in by the composition root. */

import type { Clock } from "../base/clock.ts";
import type { Cache } from "../cache/cache.ts";
import type { ImageJob, MadeResult, ProbedResult } from "../image/job.ts";
import type { Links } from "../mesh/link.ts";
import type { Ownership } from "../mesh/ownership.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Origin } from "../origin/origin.ts";
import type { Resolution } from "../resolve/resolver.ts";
import type { Server, Topology } from "../topology/topology.ts";
import type { Flights } from "./flights.ts";
import type { Negatives } from "./negatives.ts";

export interface Parts {
  readonly self: Server;
  readonly topology: Topology;
  readonly cache: Cache;
  readonly flights: Flights;
  readonly negatives: Negatives;
  readonly ownership: Ownership;
  readonly links: Links;
  /** undefined: this mesh has no origin, or this node cannot open it. */
  readonly origin: Origin | undefined;
  readonly images: ImageService;
  readonly resolve: (webId: string) => Promise<Resolution>;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}

/** The node's image workers, wherever they are run from. Throws Faults. */
export interface ImageService {
  run(job: ImageJob, options: { readonly deadlineMs: number }): Promise<MadeResult | ProbedResult>;
}
