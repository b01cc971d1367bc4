/** One serving thread: puts the parts of the life of a request together and opens its listeners. */

import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { makeFlightGroup } from "../base/flight.ts";
import { openCache } from "../cache/cache.ts";
import { makePeerHandler } from "../content/answer-peer.ts";
import { makeFetchContent } from "../content/fetch-content.ts";
import { openFlights } from "../content/flights.ts";
import { makeLocal } from "../content/local.ts";
import { makeNegatives } from "../content/negatives.ts";
import type { ImageService, Parts } from "../content/parts.ts";
import { producer } from "../content/produce.ts";
import { formatCacheStatus } from "../http/cache-status.ts";
import { makeImageHandler } from "../http/image.ts";
import { type RunningListener, startPublicListener } from "../http/public-listener.ts";
import type { MadeResult, ProbedResult } from "../image/job.ts";
import { makeLinks } from "../mesh/link.ts";
import { type Listener, startListener } from "../mesh/listener.ts";
import { makeOwnership } from "../mesh/ownership.ts";
import { openCounters } from "../observe/counters.ts";
import { openHistogram } from "../observe/histogram.ts";
import { makeLog } from "../observe/log.ts";
import { openOrigins } from "../origin/origin.ts";
import { makePathCache } from "../resolve/path-cache.ts";
import { makeEmbeddedResolver, type Resolution } from "../resolve/resolver.ts";
import type { Server } from "../topology/topology.ts";
import { serverNamed } from "../topology/topology.ts";
import { type MainCaller, makeMainCaller, reportOf } from "./main-calls.ts";
import type { ListenerReport, ToMain, ToWorker, WorkerSetup } from "./messages.ts";

/** Runs until main says stop. The message listener is set before the first await: none may be lost. */
export async function runWorkerThread(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Fault("internal", "a worker thread without a parent");
  const setup = workerData as WorkerSetup;
  const send = (message: ToMain): void => port.postMessage(message);
  const calls = makeMainCaller(send);
  let running: Running | undefined;
  port.on("message", (message: ToWorker) => {
    if (calls.take(message)) return;
    if (message.kind === "drain") running?.drain();
    if (message.kind === "stop") void running?.stop().then(() => send({ kind: "drained" }));
  });
  try {
    running = await startServing(setup, calls);
    send({ kind: "ready", listeners: running.listeners, ports: running.ports });
  } catch (error) {
    send({ kind: "failed", fault: reportOf(asFault(error)) });
  }
}

interface Running {
  readonly listeners: readonly ListenerReport[];
  readonly ports: readonly number[];
  drain(): void;
  stop(): Promise<void>;
}

async function startServing(setup: WorkerSetup, calls: MainCaller): Promise<Running> {
  const { topology, memory, worker } = setup;
  const self = serverNamed(topology, setup.server);
  const parts = await makeParts(setup, self, calls);
  let draining = false;
  const handler = makeImageHandler({
    server: self.name,
    topology,
    fetchContent: makeFetchContent(parts),
    counters: parts.counters,
    histogram: openHistogram(memory.latencies, worker),
    forget: (relname) => parts.cache.forget(relname),
    draining: () => draining,
    log: parts.log,
    clock: parts.clock,
  });
  const publics = await openPublics(setup, self, { handler, log: parts.log });
  const privates = openPrivates(self, parts, {
    handler: makePeerHandler(parts, (outcome) => formatCacheStatus(self.name, outcome)),
  });
  return {
    ports: publics.map((p) => p.port ?? 0),
    listeners: [
      ...publics.map((p) => ({ kind: "public" as const, address: p.address, port: p.port })),
      ...privates.map(({ address, port }) => ({ kind: "private" as const, address, port })),
    ],
    drain() {
      draining = true;
    },
    async stop() {
      await Promise.all(publics.map((p) => p.stop(true)));
      await Promise.all(privates.map((p) => p.listener.stop()));
      parts.links.close();
      parts.cache.close();
    },
  };
}

async function makeParts(setup: WorkerSetup, self: Server, calls: MainCaller): Promise<Parts> {
  const { topology, memory, worker } = setup;
  const clock = systemClock;
  const counters = openCounters(memory.counters, worker);
  const log = makeLog({
    node: `${self.name}/${worker}`,
    ...setup.log,
    write: (line) => writeSync(2, line),
  });
  const cache = openCache({
    memory: memory.cache,
    dir: self.cacheDir,
    worker,
    counters,
    log,
    clock,
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
    links: makeLinks({
      self: self.name,
      epoch: topology.epoch,
      addresses: (peer) => serverNamed(topology, peer).privates,
      counters,
      log,
      clock,
    }),
    origin: openOrigins(
      topology.levels.flatMap((level) => level.origins),
      { secrets: setup.secrets, counters, log, clock },
    ),
    images: imageService(calls),
    resolve: resolverFor(setup, calls),
    counters,
    log,
    clock,
  };
}

function imageService(calls: MainCaller): ImageService {
  return {
    async run(job, { deadlineMs }) {
      return (await calls.call({ what: "image", job, deadlineMs })) as MadeResult | ProbedResult;
    },
  };
}

/** With an API, main asks it, so that it is one call an id on the whole node; else nobody is asked. */
function resolverFor(setup: WorkerSetup, calls: MainCaller): Parts["resolve"] {
  if (setup.topology.services.contentResolutionApi === undefined) {
    const embedded = makeEmbeddedResolver();
    return (webId) => embedded.resolve(webId);
  }
  return async (webId) => (await calls.call({ what: "resolve", webId })) as Resolution;
}

function openPublics(
  setup: WorkerSetup,
  self: Server,
  options: Pick<Parameters<typeof startPublicListener>[0], "handler" | "log">,
): Promise<RunningListener[]> {
  const index = setup.worker - 1;
  const opened = self.publics.flatMap((listener, i) => {
    const opens =
      listener.type === "net" || listener.workers === "cpus" || index < listener.workers;
    if (!opens) return [];
    const fixed = listener.type === "net" ? listener.port : 0;
    return [startPublicListener({ listener, index, port: setup.ports[i] ?? fixed, ...options })];
  });
  return Promise.all(opened);
}

function openPrivates(
  self: Server,
  parts: Parts,
  options: { handler: Parameters<typeof startListener>[0]["handler"] },
): { listener: Listener; address: string; port: number }[] {
  const { topology, counters, log, clock } = parts;
  return self.privates.map(({ bind, port }) => {
    const listener = startListener({
      host: bind,
      port,
      reusePort: true,
      self: self.name,
      epoch: topology.epoch,
      insecure: topology.security.insecure,
      counters,
      log,
      clock,
      ...options,
    });
    return { listener, address: `${bind}:${listener.port}`, port: listener.port };
  });
}
