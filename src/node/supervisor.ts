/** The main thread of a node: shared memory, worker threads, image workers, the admin listener, the end. */

import { writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { unreachable } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { restoreCache, saveCache } from "../cache/restore.ts";
import { hearNews, type News } from "../content/news.ts";
import type { Parts } from "../content/parts.ts";
import { makeAdminHandler, startAdminListener } from "../http/admin.ts";
import { type ImagePool, makeImagePool } from "../image/pool.ts";
import { refuseOpenControl } from "../mesh/credentials.ts";
import { type Counters, openCounters } from "../observe/counters.ts";
import { type Log, type LogLevel, makeLog } from "../observe/log.ts";
import { makeApiResolver, makeEmbeddedResolver, type Resolver } from "../resolve/resolver.ts";
import { type Server, serverNamed, type Topology } from "../topology/topology.ts";
import { adminActions } from "./admin-actions.ts";
import { readCredentials } from "./credentials.ts";
import { startCrew } from "./crew.ts";
import { createSharedSet } from "./memory.ts";
import type { ListenerReport, MainCall } from "./messages.ts";
import { makeParts } from "./parts.ts";
import { IMAGE_WORKER, selfCommand } from "./reexec.ts";
import type { Secrets } from "./secrets.ts";
import { makeStatus } from "./status.ts";
import { startUpkeep } from "./upkeep.ts";
import { makeUploads } from "./uploads.ts";
import { watchPeers } from "./watch-peers.ts";

export interface RunningNode {
  readonly listeners: readonly ListenerReport[];
  /** `/readyz` says 503 at once; resolves when everything in flight has ended or its time is up. */
  drain(): Promise<void>;
}

export interface NodeOptions {
  readonly topology: Topology;
  readonly server: string;
  readonly secrets: Secrets;
  readonly log: { readonly level: LogLevel; readonly json: boolean };
  readonly drainGraceMs?: number;
}

/** Throws a Fault when the node cannot start: what is wrong is in its message. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { topology, secrets } = options;
  const self = serverNamed(topology, options.server);
  const credentials = readCredentials(secrets.controlKeys, topology.security.tls);
  const { insecure } = topology.security;
  for (const { bind: host, port } of self.privates) {
    refuseOpenControl({ host, port, insecure, credentials });
  }
  const workers = resolveCount(self.workers, LIMITS.workersMax);
  const clock = systemClock;
  const log = makeLog({ node: self.name, ...options.log, write: (line) => writeSync(2, line) });
  const memory = createSharedSet(topology, self, workers);
  const counters = openCounters(memory.counters, 0);
  const uploads = makeUploads({ cacheDir: self.cacheDir, log });
  const { pinned } = uploads;
  const restored = restoreCache({ memory: memory.cache, dir: self.cacheDir, log, clock, pinned });
  const images = startImages(topology, self, { counters, log });
  const resolver = startResolver(topology, { counters, log, clock });
  const announce = async (news: News): Promise<void> => {
    hearNews(parts, news);
    for (const webId of news.webIds) resolver.forget(webId);
    crew.tell({ kind: "news", news });
  };
  const setup = {
    topology,
    server: self.name,
    memory,
    secrets: secrets.s3,
    credentials,
    log: options.log,
  };
  const parts = makeParts({
    ...setup,
    worker: 0,
    images,
    resolve: (webId) => resolver.resolve(webId),
    announce,
  });
  const crew = await startCrew({
    workers,
    setup,
    work: (request) => work(request, { images, resolver, announce }),
    counters,
    log,
  });
  let ready = true;
  const status = makeStatus({
    ...{ topology, self, memory, cache: parts.cache, crew, images, clock },
    outbox: uploads.outbox(),
  });
  const admin = await startAdminListener({
    socketPath: join(self.cacheDir, ".mir", "admin.sock"),
    tcp: self.admin,
    token: secrets.adminToken,
    handler: makeAdminHandler({ ...status, ready: () => ready, actions: adminActions(parts) }),
    log,
  });
  uploads.start(parts);
  const watch = watchPeers({ topology, self, memory: memory.health, credentials, log, clock });
  const upkeep = startUpkeep({ topology, self, memory: memory.cache, counters, log, clock });
  return {
    listeners: [...crew.listeners, ...admin.listeners],
    async drain() {
      ready = false;
      crew.drain();
      log.info("draining", { graceMs: options.drainGraceMs ?? DEADLINES.drainGraceMs });
      await Bun.sleep(options.drainGraceMs ?? DEADLINES.drainGraceMs);
      await crew.stop();
      await images.close();
      await admin.stop();
      await uploads.stop();
      parts.links.close();
      watch[Symbol.dispose]();
      await upkeep.stop();
      saveCache(memory.cache, self.cacheDir);
      parts.cache.close();
      restored[Symbol.dispose]();
      log.info("stopped");
    },
  };
}

/** Threads or processes meant by a number or `"cpus"`, affinity and quota counted. */
function resolveCount(wanted: number | "cpus", max: number): number {
  return Math.min(max, Math.max(1, wanted === "cpus" ? availableParallelism() : wanted));
}

function startResolver(
  topology: Topology,
  watched: { readonly counters: Counters; readonly log: Log; readonly clock: Clock },
): Resolver {
  const api = topology.services.contentResolutionApi;
  return api === undefined ? makeEmbeddedResolver() : makeApiResolver({ api, ...watched });
}

function startImages(
  topology: Topology,
  self: Server,
  observers: Pick<Parameters<typeof makeImagePool>[0], "counters" | "log">,
): ImagePool {
  const { execPath, args } = selfCommand();
  return makeImagePool({
    workers: resolveCount(self.imageWorkers, LIMITS.workersMax),
    command: [execPath, ...args, IMAGE_WORKER],
    queueMax: topology.limits.imageQueue,
    jobMs: topology.limits.imageJobMs,
    clock: systemClock,
    ...observers,
  });
}

async function work(
  request: MainCall,
  parts: {
    readonly images: ImagePool;
    readonly resolver: Resolver;
    readonly announce: Parts["announce"];
  },
): Promise<unknown> {
  switch (request.what) {
    case "resolve":
      return parts.resolver.resolve(request.webId);
    case "announce":
      return parts.announce(request.news);
    case "image":
      return parts.images.run(request.job, { deadlineMs: request.deadlineMs });
    default:
      return unreachable(request);
  }
}
