/** One serving thread: puts the parts of the life of a request together and opens its listeners. */

import { parentPort, workerData } from "node:worker_threads";
import { asFault, Fault } from "../base/fault.ts";
import type { HeatService, HotNews } from "../content/hot/hot.ts";
import { hearNews, type News } from "../content/news.ts";
import type { ImageService, Parts } from "../content/parts.ts";
import { receiveUpload } from "../content/upload.ts";
import { type Recalled, recall, type WhyWish } from "../content/why/recall.ts";
import { type CertifiedListener, startCertifiedListener } from "../http/certified-listener.ts";
import type { Handler } from "../http/image.ts";
import type { ServerPem, startPublicListener } from "../http/public-listener.ts";
import { withUploads } from "../http/upload.ts";
import { watchRequests } from "../http/watch-requests.ts";
import type { MadeResult, ProbedResult } from "../image/job.ts";
import { type Listener, type ListenerOptions, startListener } from "../mesh/listener.ts";
import type { ToldAnswer } from "../mesh/tell.ts";
import { watchLag } from "../observe/lag.ts";
import type { RequestLog } from "../observe/request-log.ts";
import { makeEmbeddedResolver, type Resolution } from "../resolve/resolver.ts";
import { type Server, serverNamed } from "../topology/topology.ts";
import { startBeating } from "./beats.ts";
import { makeLiveParts } from "./live-parts.ts";
import { type MainCaller, makeMainCaller, reportOf } from "./main-calls.ts";
import type { Followed, ListenerReport, ToMain, ToWorker, WorkerSetup } from "./messages.ts";
import { currentOf, openServing, type Serving } from "./serving.ts";

/** Runs until main says stop. The message listener is set before the first await: none may be lost. */
export async function runWorkerThread(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Fault("internal", "a worker thread without a parent");
  const setup = workerData as WorkerSetup;
  startBeating(setup.memory.beats, setup.worker);
  const send = (message: ToMain): void => port.postMessage(message);
  const calls = makeMainCaller(send);
  let running: Running | undefined;
  let failed = false;
  let followed: Followed | undefined;
  port.on("message", (message: ToWorker) => {
    if (calls.take(message)) return;
    if (message.kind === "news") running?.hear(message.news);
    if (message.kind === "hot") running?.heat(message.hot);
    if (message.kind === "follow") {
      ({ followed } = message);
      running?.follow(followed);
      send({ kind: "following" });
    }
    if (message.kind === "recall") {
      send({ kind: "recalled", recall: message.recall, recalled: running?.recall(message.wish) });
    }
    if (message.kind === "certify") running?.certify(message.tls);
    if (message.kind === "drain") running?.drain();
    if (message.kind === "stop" && failed) process.exit(1);
    if (message.kind === "stop") void running?.stop().then(() => send({ kind: "drained" }));
  });
  try {
    running = await startServing(setup, calls);
    // told while it was being started
    if (followed !== undefined) running.follow(followed);
    send({ kind: "ready", listeners: running.listeners, ports: running.ports });
  } catch (error) {
    failed = true;
    send({ kind: "failed", fault: reportOf(asFault(error)) });
  }
}

interface Running {
  hear(news: News): void;
  heat(news: HotNews): void;
  /** Requests that begin from now on see this topology, to their end. */
  follow(followed: Followed): void;
  certify(tls: ServerPem): void;
  /** undefined when it cannot be said. */
  recall(wish: WhyWish): Recalled | undefined;
  readonly listeners: readonly ListenerReport[];
  readonly ports: readonly number[];
  drain(): void;
  stop(): Promise<void>;
}

async function startServing(setup: WorkerSetup, calls: MainCaller): Promise<Running> {
  const self = serverNamed(setup.topology, setup.server);
  const live = makeLiveParts({
    ...setup,
    images: imageService(calls),
    heat: heatService(calls),
    resolve: resolverFor(setup, calls),
    announce: async (news) => {
      await calls.call({ what: "announce", news });
    },
    custody: async (custody) => {
      await calls.call({ what: "custody", custody });
    },
    purge: async (message) => (await calls.call({ what: "purge", message })) as ToldAnswer,
  });
  const parts = live.always;
  let draining = false;
  const open = (): Serving => openServing(live.now(), { setup, draining: () => draining });
  let serving = open();
  const handler: Handler = (request, server) => serving.handler(request, server);
  // made once: its bounds hold over changes of the topology
  const uploading = withUploads(handler, {
    keys: setup.uploadKeys,
    receive: (wish) => receiveUpload(live.now(), wish),
    allowOrigin: () => parts.topology.http.allowOrigin,
    counters: parts.counters,
    log: parts.log,
    draining: () => draining,
  });
  const { counters, clock, log } = parts;
  const requests = (): RequestLog => serving.requests;
  const lag = watchLag(setup.memory.lags, setup.worker, clock);
  const watch = (routes: Handler): Handler => watchRequests(routes, { counters, clock, requests });
  const publics = await openPublics(setup, self, {
    handler: watch(handler),
    uploading: watch(uploading),
    log,
  });
  const privates = openPrivates(self, parts, {
    handlers: currentOf(() => serving.handlers),
    credentials: setup.credentials,
  });
  return {
    ports: publics.map((p) => p.port ?? 0),
    listeners: [
      ...publics.map((p) => ({ kind: "public" as const, address: p.address, port: p.port })),
      ...privates.map(({ address, port }) => ({ kind: "private" as const, address, port })),
    ],
    hear: (news) => hearNews(parts, news),
    heat: (news) => parts.hot.follow(news),
    follow(followed) {
      live.follow(followed);
      serving.close();
      serving = open();
    },
    recall(wish) {
      try {
        return recall(live.now(), wish);
      } catch (error) {
        // a question is no reason to end a thread
        log.warn("why.not_told", { id: wish.id, error });
        return undefined;
      }
    },
    certify(tls) {
      for (const listener of publics) {
        listener.certify(tls).catch((error: unknown) => log.error("tls.not_replaced", { error }));
      }
    },
    drain() {
      draining = true;
    },
    async stop() {
      await Promise.all([
        ...publics.map((p) => p.stop(true)),
        ...privates.map((p) => p.listener.stop()),
      ]);
      await parts.recorder.flush();
      parts.recorder.close();
      parts.later[Symbol.dispose]();
      parts.hot.close();
      parts.links.close();
      parts.cache.close();
      lag[Symbol.dispose]();
    },
  };
}

function heatService(calls: MainCaller): HeatService {
  return {
    report(report) {
      // hints: a main that is busy does without them
      calls.call({ what: "heat", report }).catch(() => undefined);
    },
    async admit(relname, bytes) {
      return (await calls.call({ what: "admit", relname, bytes })) as boolean;
    },
  };
}

function imageService(calls: MainCaller): ImageService {
  return {
    async run(job, demand) {
      const { gone, hurry, ...wish } = demand;
      const steer = { leave: gone, hurry };
      return (await calls.call({ what: "image", job, wish }, steer)) as MadeResult | ProbedResult;
    },
  };
}

/** With an API, main asks it, so that it is one call an id on the whole node; else nobody is asked. */
function resolverFor(setup: WorkerSetup, calls: MainCaller): Parts["resolve"] {
  if (setup.topology.services.contentResolutionApi === undefined) {
    const embedded = makeEmbeddedResolver();
    return (webId) => embedded.resolve(webId);
  }
  return async (webId, traceparent) => {
    const trace = traceparent === undefined ? {} : { traceparent };
    return (await calls.call({ what: "resolve", webId, ...trace })) as Resolution;
  };
}

function openPublics(
  setup: WorkerSetup,
  self: Server,
  options: Pick<Parameters<typeof startPublicListener>[0], "handler" | "log"> & {
    /** Of listeners that take uploads. */
    readonly uploading: Handler;
  },
): Promise<CertifiedListener[]> {
  const { uploading, log } = options;
  const index = setup.worker - 1;
  const opened = self.publics.flatMap((listener, i) => {
    const opens =
      listener.type === "net" || listener.workers === "cpus" || index < listener.workers;
    if (!opens) return [];
    const fixed = listener.type === "net" ? listener.port : 0;
    const handler = listener.upload ? uploading : options.handler;
    const port = setup.ports[i] ?? fixed;
    const tls = listener.type === "net" && listener.tls ? setup.publicTls : undefined;
    return [startCertifiedListener({ listener, index, port, handler, log, tls })];
  });
  return Promise.all(opened);
}

function openPrivates(
  self: Server,
  parts: Parts,
  options: Pick<ListenerOptions, "handlers" | "credentials">,
): { listener: Listener; address: string; port: number }[] {
  const { topology, counters, log, clock } = parts;
  return self.privates.map(({ bind, port }) => {
    const listener = startListener({
      host: bind,
      port,
      reusePort: true,
      self: self.name,
      get epoch() {
        return parts.topology.epoch;
      },
      insecure: topology.security.insecure,
      counters,
      log,
      clock,
      ...options,
    });
    return { listener, address: `${bind}:${listener.port}`, port: listener.port };
  });
}
