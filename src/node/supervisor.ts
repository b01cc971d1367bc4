/** The main thread of a node: shared memory, worker threads, image workers, the admin listener, the end. */

import { join } from "node:path";
import { DEADLINES } from "../base/deadlines.ts";
import { unreachable } from "../base/fault.ts";
import type { Cache } from "../cache/cache.ts";
import { takeCustody } from "../content/custody.ts";
import type { Parts } from "../content/parts.ts";
import { readmitOriginals } from "../content/readmit.ts";
import type { Rebalancer } from "../content/rebalance.ts";
import { makeAdminHandler, type RunningAdmin, startAdminListener } from "../http/admin.ts";
import { whyPage } from "../http/why-page.ts";
import type { ImagePool } from "../image/pool.ts";
import type { Links } from "../mesh/link.ts";
import { watchLag } from "../observe/lag.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { type Server, serverNamed, type Topology } from "../topology/topology.ts";
import { adminActions } from "./admin-actions.ts";
import { type Announcer, makeAnnouncer } from "./announcer.ts";
import { cacheDirFault } from "./cache-dir-fault.ts";
import { claimAddresses } from "./claim-addresses.ts";
import { type Crew, startCrew } from "./crew.ts";
import { openDashboard } from "./dashboard.ts";
import { makeDrain } from "./drain.ts";
import { type Ground, layGround, type NodeOptions } from "./ground.ts";
import { type Heat, makeHeat, serviceOf } from "./heat.ts";
import { type LiveParts, makeLiveParts } from "./live-parts.ts";
import type { Steered } from "./main-calls.ts";
import type { ListenerReport, MainCall } from "./messages.ts";
import { makePurges, type Purges } from "./purges.ts";
import { makeRebalancing, type Rebalancing } from "./rebalancing.ts";
import { makeReload, type ReloadOptions } from "./reload.ts";
import { openServiceManager, type ServiceManager } from "./service-manager.ts";
import { makeStatus, type StatusSource } from "./status.ts";
import { startUpkeep } from "./upkeep.ts";
import { warnOfMissingOrigin } from "./warn-of-origin.ts";
import { type PeerWatch, watchPeers } from "./watch-peers.ts";
import { makeWhy } from "./why.ts";

export interface RunningNode {
  readonly listeners: readonly ListenerReport[];
  /** `/readyz` says 503 at once; resolves when everything in flight has ended or its time is up. */
  drain(): Promise<void>;
  /** Reads the topology file again and follows it, or says in the log why not. */
  reload(): Promise<void>;
  /** Tells the service manager that signals are heeded from now on. */
  announce(): void;
}

/** Throws a Fault when the node cannot start, with nothing left running: what is wrong is in its message. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const self = serverNamed(options.topology, options.server);
  try {
    return await start(self, options);
  } catch (error) {
    throw cacheDirFault(self.cacheDir, error);
  }
}

async function start(self: Server, options: NodeOptions): Promise<RunningNode> {
  await using undo = new AsyncDisposableStack();
  undo.use(claimAddresses(self));
  const ground = layGround(options);
  undo.use(ground.disks);
  undo.defer(() => ground.images.close());
  // to the end of the process
  undo.use(watchLag(ground.memory.lags, 0, ground.clock));
  await ground.disks.look();
  const node = await startOn(ground, options, undo);
  undo.move();
  return node;
}

/** What is started goes onto `undo`. */
async function startOn(
  ground: Ground,
  options: NodeOptions,
  undo: AsyncDisposableStack,
): Promise<RunningNode> {
  const { topology, secrets } = options;
  const { self, clock, log, counters, memory, credentials, uploads, images, resolver } = ground;
  const variants = (): number => parts.cache.usage().variants;
  const announcer = makeAnnouncer(resolver, () => parts);
  const setup = {
    ...{ topology, server: self.name, memory },
    ...{ secrets: secrets.s3, credentials, log: options.log },
    ...{ uploadKeys: secrets.uploadKeys, publicTls: ground.publicTls.now },
  };
  const custody = custodyOf(ground, () => parts.cache);
  const heat = makeHeat(() => parts, memory);
  const live = makeLiveParts({
    ...setup,
    ...{ worker: 0, images, announce: announcer.announce, custody },
    resolve: (webId, traceparent) => resolver.resolve(webId, traceparent),
    purge: (message) => purges.told(message),
    heat: serviceOf(heat),
  });
  const parts = live.always;
  const purges = undo.use(
    makePurges({ parts, credentials, restored: ground.disks, outbox: uploads.outbox }),
  );
  await purges.catchUpFirst();
  const rebalancing = makeRebalancing({ topology, self, memory, log, clock, variants, heat });
  const crew = await startCrew({
    workers: ground.workers,
    setup,
    work: (request, steered) =>
      work(request, { images, resolver, announcer, custody, purges, steered, heat }),
    ...{ counters, log, clock, lost: () => uploads.lookAfterPins() },
  });
  announcer.include(crew);
  heat.start(crew);
  undo.defer(() => crew.stop(DEADLINES.startUndoMs));
  const watched = { topology, self, credentials, log, clock };
  const watch = undo.use(watchPeers({ ...watched, memory }));
  const rebalancer = rebalancing.start(parts);
  undo.defer(() => stopMoving(rebalancer, parts.links));
  const paths = adminPaths(ground, { parts, rebalancer, purges, crew, heat });
  let ready = true;
  const status = makeStatus({
    ...{ parts, memory, crew, watch, images, clock, ownFiles: ground.ownFiles },
    shown: ground,
    ...{ outbox: uploads.outbox(), rebalancer, keeper: heat.keeper, ready: () => ready },
  });
  const manager = undo.use(managerOf(ground, status, () => ready));
  const asked = { ...status, ready: () => ready, ...paths };
  const admin = await startAdmin(ground, parts, asked, secrets.adminToken);
  for (const task of [uploads, purges]) task.start(parts);
  images.warmUp();
  warnOfMissingOrigin(topology, self, log);
  const upkeep = startUpkeep({
    ...{ ...ground, topology },
    readmit: (relnames, stopping) => readmitOriginals(parts, relnames, stopping),
  });
  const reload = reloadOf(ground, options, {
    apply: (changed) => follow(changed, { watch, live, rebalancing, crew }),
    certify: (tls) => crew.certify(tls),
  });
  const end = async (): Promise<void> => {
    for (const part of [crew, { stop: () => images.close() }, uploads, purges]) await part.stop();
    await stopMoving(rebalancer, parts.links);
    for (const part of [watch, manager]) part[Symbol.dispose]();
    await Promise.all([upkeep.stop(), heat.stop()]);
    ground.disks.save();
    parts.cache.close();
    // to the last it tells those who look that this node is not ready
    await admin.stop();
    ground.disks[Symbol.dispose]();
  };
  const begin = (): void => {
    ready = false;
    manager.stopping();
    crew.drain();
  };
  const drain = makeDrain({ graceMs: options.drainGraceMs, begin, end, log });
  const listeners = [...crew.listeners, ...admin.listeners];
  return { listeners, reload: told(reload, manager), drain, announce: manager.ready };
}

function follow(
  topology: Topology,
  parts: {
    readonly watch: PeerWatch;
    readonly live: LiveParts;
    readonly rebalancing: Rebalancing;
    readonly crew: Crew;
  },
): Promise<void> {
  const followed = { topology, ...parts.watch.follow(topology) };
  parts.live.follow(followed);
  parts.rebalancing.follow(topology);
  return parts.crew.follow(followed);
}

function managerOf({ log }: Ground, status: StatusSource, ready: () => boolean): ServiceManager {
  const against = (): string | undefined => (ready() ? status.unready() : "draining");
  return openServiceManager({
    ...{ env: process.env, pid: process.pid, log },
    state: () => [against() ?? "ready", ...status.remarks()].join("; "),
    worthKeeping: () => status.unwell() === undefined,
  });
}

/** The service manager waits for the end of a reload, however it ends. */
function told(reload: () => Promise<void>, manager: ServiceManager): () => Promise<void> {
  return async () => {
    manager.reloading();
    await reload();
    manager.ready();
  };
}

/** What the admin listener has beside the pages of every node. */
function adminPaths(
  { resolver, uploads }: Ground,
  on: {
    readonly parts: Parts;
    readonly rebalancer: Rebalancer;
    readonly purges: Purges;
    readonly crew: Crew;
    readonly heat: Heat;
  },
): Pick<Parameters<typeof makeAdminHandler>[0], "actions" | "pages"> {
  const { parts, crew, heat } = on;
  const why = makeWhy({ parts, resolver, crew, keeper: heat.keeper, outbox: uploads.outbox });
  return { actions: adminActions(parts, on), pages: { "/why/": whyPage(why) } };
}

/** What SIGHUP does: the topology is read again, and the certificate of public listeners. */
function reloadOf(
  { self, counters, log, publicTls }: Ground,
  { file, reread }: NodeOptions,
  news: Pick<ReloadOptions, "apply"> & Pick<Crew, "certify">,
): () => Promise<void> {
  const { apply, certify } = news;
  const reload = makeReload({ server: self.name, file, reread, apply, counters, log });
  return () => {
    publicTls.reread(certify);
    return reload();
  };
}

function custodyOf({ uploads, disks }: Ground, cache: () => Cache): Parts["custody"] {
  const { tombstones } = disks;
  return async (taken) =>
    takeCustody({ outbox: uploads.outbox(), cache: cache(), tombstones }, taken);
}

/** What is on its way to a peer ends with the links: nobody waits for a large file. */
async function stopMoving(rebalancer: Rebalancer, links: Links): Promise<void> {
  const stopped = rebalancer.stop();
  links.close();
  await stopped;
}

/** Stopping it ends the streams of the dashboard first. */
async function startAdmin(
  { self, log, ownFiles }: Ground,
  parts: Parts,
  options: Parameters<typeof makeAdminHandler>[0],
  token: string | undefined,
): Promise<Pick<RunningAdmin, "listeners" | "stop">> {
  const dashboard = openDashboard({ parts, status: options.status, token });
  const pages = { ...options.pages, ...dashboard.pages };
  const handler = makeAdminHandler({ ...options, pages });
  const socketPath = join(self.cacheDir, ".mir", "admin.sock");
  const admin = await startAdminListener({ socketPath, tcp: self.admin, token, handler, log });
  // first: the outbox is in the folder of the socket
  ownFiles.unshift(admin);
  return {
    listeners: admin.listeners,
    async stop() {
      await dashboard.close();
      await admin.stop();
    },
  };
}

async function work(
  request: MainCall,
  parts: {
    readonly images: ImagePool;
    readonly resolver: Resolver;
    readonly announcer: Pick<Announcer, "announce">;
    readonly custody: Parts["custody"];
    readonly purges: Purges;
    readonly steered: Steered;
    readonly heat: Heat;
  },
): Promise<unknown> {
  switch (request.what) {
    case "resolve":
      return parts.resolver.resolve(request.webId, request.traceparent);
    case "announce":
      return parts.announcer.announce(request.news);
    case "purge":
      return parts.purges.told(request.message);
    case "custody":
      return parts.custody(request.custody);
    case "heat":
      return parts.heat.keeper.report(request.report);
    case "admit":
      return parts.heat.keeper.admit(request.relname, request.bytes);
    case "image":
      return parts.images.run(request.job, {
        ...request.wish,
        gone: parts.steered.leave,
        hurry: parts.steered.hurry,
      });
    default:
      return unreachable(request);
  }
}
