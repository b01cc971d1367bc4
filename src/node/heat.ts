/** Main's part of hot content: the node's one tracker, what it reads of the counters, how the threads hear of it. */

import type { HeatService } from "../content/hot/hot.ts";
import { HotKeeper } from "../content/hot/keeper.ts";
import type { Parts } from "../content/parts.ts";
import { readCounters } from "../observe/counters.ts";
import type { Gauge } from "../observe/gauges.ts";
import type { Crew } from "./crew.ts";
import type { SharedSet } from "./messages.ts";

export interface Heat {
  readonly keeper: HotKeeper;
  /** Whether this node keeps it for its owner. */
  readonly isReplica: (relname: string) => boolean;
  /** The worker threads are told from now on. */
  start(crew: Pick<Crew, "tell">): void;
  stop(): Promise<void>;
}

export function makeHeat(parts: () => Parts, memory: Pick<SharedSet, "counters">): Heat {
  let workers: Pick<Crew, "tell"> | undefined;
  // made when it is first needed: the parts it goes by are made with it
  let keeper: HotKeeper | undefined;
  const make = (): HotKeeper =>
    new HotKeeper({
      parts: parts(),
      totals() {
        const counts = readCounters(memory.counters);
        return {
          requests: counts.http_requests + counts.peer_request,
          answers: counts.http_requests - counts.cross_peer_stream + counts.peer_request,
        };
      },
      publish(hot) {
        parts().hot.follow(hot);
        workers?.tell({ kind: "hot", hot });
      },
    });
  return {
    get keeper() {
      keeper ??= make();
      return keeper;
    },
    isReplica: (relname) => keeper?.isReplica(relname) === true,
    start(crew) {
      workers = crew;
      this.keeper.start();
    },
    async stop() {
      keeper?.stop();
    },
  };
}

/** For main's own parts. */
export function serviceOf(heat: Pick<Heat, "keeper">): HeatService {
  return {
    report: (report) => heat.keeper.report(report),
    admit: (relname, bytes) => heat.keeper.admit(relname, bytes),
    forget: (ids) => heat.keeper.forget(ids),
  };
}

export function heatGauges(keeper: Pick<HotKeeper, "status">): readonly Gauge[] {
  const { tracked, copies, replicas } = keeper.status();
  return [
    { name: "hot_items", value: tracked },
    { name: "hot_copies", value: copies },
    { name: "replica_bytes", value: replicas.bytes },
  ];
}
