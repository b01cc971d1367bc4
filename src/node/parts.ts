/** Puts together what the life of a request is made of, for a worker thread or for main's background work. */

import { writeSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { makeFlightGroup } from "../base/flight.ts";
import { openCache } from "../cache/cache.ts";
import { makeHedgeBudget } from "../content/first-of.ts";
import { openFlights } from "../content/flights.ts";
import { makeLocal } from "../content/local.ts";
import { makeNegatives } from "../content/negatives.ts";
import type { Parts } from "../content/parts.ts";
import { producer } from "../content/produce.ts";
import { makeRecorder } from "../content/recorder.ts";
import { HealthTable } from "../mesh/health.ts";
import { makeLinks } from "../mesh/link.ts";
import { makeOwnership } from "../mesh/ownership.ts";
import { openCounters } from "../observe/counters.ts";
import { makeLog } from "../observe/log.ts";
import { openOrigins } from "../origin/origin.ts";
import { makePathCache } from "../resolve/path-cache.ts";
import { serverNamed } from "../topology/topology.ts";
import type { WorkerSetup } from "./messages.ts";

/** After the cache has been restored. Main is worker 0. */
export function makeParts(
  options: Omit<WorkerSetup, "ports"> & Pick<Parts, "images" | "resolve" | "announce">,
): Parts {
  const { topology, memory, worker, images, resolve, announce } = options;
  const self = serverNamed(topology, options.server);
  const clock = systemClock;
  const counters = openCounters(memory.counters, worker);
  const log = makeLog({
    node: worker === 0 ? self.name : `${self.name}/${worker}`,
    ...options.log,
    write: (line) => writeSync(2, line),
  });
  const watched = { counters, log, clock };
  const health = new HealthTable(memory.health);
  const cache = openCache({ memory: memory.cache, dir: self.cacheDir, worker, ...watched });
  const links = makeLinks({
    self: self.name,
    epoch: topology.epoch,
    addresses: (peer) => serverNamed(topology, peer).privates,
    credentials: options.credentials,
    onLost: (peer) => health.report(peer),
    ...watched,
  });
  return {
    self,
    topology,
    cache,
    local: makeLocal({ cache, topology }),
    producer,
    factFlights: makeFlightGroup(),
    paths: makePathCache(clock),
    flights: openFlights(memory.flights, worker),
    negatives: makeNegatives(clock),
    ownership: makeOwnership(topology),
    links,
    recorder: makeRecorder({ links, counters }),
    health,
    hedges: makeHedgeBudget(),
    origin: openOrigins(
      topology.levels.flatMap((level) => level.origins),
      { secrets: options.secrets, ...watched },
    ),
    images,
    resolve,
    announce,
    ...watched,
  };
}
