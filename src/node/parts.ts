/** Puts together what the life of a request is made of, for a worker thread or for main's background work. */

import { writeSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { makeFlightGroup } from "../base/flight.ts";
import { openDisks } from "../cache/disks.ts";
import { openPurged } from "../cache/purged.ts";
import { makeHedgeBudget } from "../content/first-of.ts";
import { openFlights } from "../content/flights.ts";
import { openBusyGauge } from "../content/hot/busy.ts";
import { type HeatService, makeHot } from "../content/hot/hot.ts";
import { makeLater } from "../content/later.ts";
import { makeLocal } from "../content/local.ts";
import { makeNegatives } from "../content/negatives.ts";
import type { Parts } from "../content/parts.ts";
import { openProbing } from "../content/probe.ts";
import { producer } from "../content/produce.ts";
import { makeRecorder } from "../content/recorder.ts";
import { makeSharedAsks } from "../content/shared-asks.ts";
import { makeWaiters } from "../content/waiters.ts";
import { makeFills } from "../content/why/fills.ts";
import { openWaitBoard } from "../image/wait-board.ts";
import { HealthTable } from "../mesh/health.ts";
import { makeLinks } from "../mesh/link.ts";
import { makeOwnership } from "../mesh/ownership.ts";
import type { Traffic } from "../mesh/traffic.ts";
import { calmLog } from "../observe/calm-log.ts";
import { openCounters } from "../observe/counters.ts";
import { makeLog } from "../observe/log.ts";
import { makeRequestLog, type RequestLog } from "../observe/request-log.ts";
import { openOrigins } from "../origin/origin.ts";
import { makePathCache } from "../resolve/path-cache.ts";
import { serverNamed, type Topology } from "../topology/topology.ts";
import type { WorkerSetup } from "./messages.ts";
import type { PeerDirectory } from "./peer-directory.ts";

export type PartsOptions = Omit<WorkerSetup, "ports"> &
  Pick<Parts, "images" | "resolve" | "announce" | "custody" | "purge"> & {
    readonly peers: PeerDirectory;
    readonly heat: HeatService;
    /** Hears of connections to a peer that were refused, broke off or fell silent. */
    readonly onLost: (peer: string) => void;
    readonly traffic: Traffic;
  };

/** After the cache has been restored. Main is worker 0. */
export function makeParts(options: PartsOptions): Parts {
  const { topology, memory, worker, images, resolve, announce, custody, purge, peers } = options;
  const self = serverNamed(topology, options.server);
  const clock = systemClock;
  const counters = openCounters(memory.counters, worker);
  const everything = makeLog({
    node: nodeName(self.name, worker),
    ...options.log,
    write: toStandardError,
  });
  const log = calmLog(everything, clock);
  const watched = { counters, log, clock };
  const { disks } = memory;
  const cache = openDisks({ disks, home: self.cacheDir, worker, ...watched });
  const links = makeLinks({
    self: self.name,
    get epoch() {
      return peers.epoch;
    },
    addresses: (peer) => peers.addresses(peer),
    legacy: (peer) => peers.legacy(peer),
    credentials: options.credentials,
    onLost: options.onLost,
    traffic: options.traffic,
    ...watched,
  });
  const purged = openPurged(memory, clock);
  return {
    self,
    topology,
    ownership: makeOwnership(topology),
    origin: originOf(topology, {
      secrets: options.secrets,
      breakers: memory.origins,
      ...watched,
    }),
    cache,
    // of the topology it only reads the sizes, which no reload changes
    purged,
    local: makeLocal({ cache, purged, topology }),
    producer,
    waiters: makeWaiters(),
    sharedAsks: makeSharedAsks(),
    factFlights: makeFlightGroup(),
    paths: makePathCache(clock),
    flights: openFlights(memory.flights, worker),
    negatives: makeNegatives(clock),
    fills: makeFills(clock),
    links,
    recorder: makeRecorder({ links, counters }),
    hot: makeHot({ service: options.heat, busy: openBusyGauge(memory.busy, worker), clock }),
    health: new HealthTable(memory.health),
    hedges: makeHedgeBudget(),
    rebalancing: openProbing(memory.probes, clock),
    images,
    imageWaitMs: imageWaitOf(topology, memory),
    later: makeLater({ clock, counters }),
    resolve,
    announce,
    custody,
    purge,
    requests: requestLogOf(topology, { server: self.name, worker, wish: options.log, log, clock }),
    ...watched,
  };
}

/** Where a service does the work, the queue of the image workers says nothing of it. */
function imageWaitOf({ services }: Topology, memory: WorkerSetup["memory"]): Parts["imageWaitMs"] {
  return services.thumbnailEndpoint === undefined
    ? openWaitBoard(memory.imageWaits).waitMs
    : () => 0;
}

/** Its lines are JSON whatever the rest of the log is: they are for machines. */
export function requestLogOf(
  topology: Topology,
  options: Pick<Parts, "log" | "clock"> &
    Pick<WorkerSetup, "server" | "worker"> & { readonly wish: WorkerSetup["log"] },
): RequestLog {
  const { server, worker, wish, log, clock } = options;
  const node = nodeName(server, worker);
  const lines = makeLog({ node, level: "info", json: true, write: toStandardError });
  return makeRequestLog({
    ...topology.log,
    share: wish.access ?? topology.log.share,
    clock,
    random: Math.random,
    write: lines.info,
    warn: log.warn,
  });
}

function nodeName(server: string, worker: number): string {
  return worker === 0 ? server : `${server}/${worker}`;
}

function toStandardError(line: string): void {
  writeSync(2, line);
}

/** The store, or the stores, of a topology. */
export function originOf(
  topology: Topology,
  options: Pick<Parts, "counters" | "log" | "clock"> &
    Pick<WorkerSetup, "secrets"> & {
      readonly breakers: SharedArrayBuffer;
    },
): Parts["origin"] {
  return openOrigins(
    topology.levels.flatMap((level) => level.origins),
    options,
  );
}
