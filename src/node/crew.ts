/** The worker threads of a node: started one after the other, restarted when they die, asked to stop. */

import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { repairDisks } from "../cache/disk-set.ts";
import { abandonFlights } from "../content/flights.ts";
import type { Recalled, WhyWish } from "../content/why/recall.ts";
import type { ServerPem } from "../http/public-listener.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { bounded } from "./bounded.ts";
import type { WorkerReport } from "./health.ts";
import { type CallDesk, faultOf, makeCallDesk, type Steered } from "./main-calls.ts";
import type {
  Followed,
  ListenerReport,
  MainCall,
  ToMain,
  ToWorker,
  WorkerSetup,
} from "./messages.ts";
import { makeRecalls, type Recalls } from "./recalls.ts";
import { makeRestarts, type Restarts } from "./restarts.ts";
import { watchStalls } from "./watch-stalls.ts";

export interface Crew {
  readonly listeners: readonly ListenerReport[];
  /** By number from 1. */
  states(): readonly WorkerReport[];
  /** To every worker that is up; one that starts later remembers nothing. */
  tell(message: ToWorker): void;
  /** Resolves when every worker that is up follows it, and every later one will; or after a while. */
  follow(followed: Followed): Promise<void>;
  /** New public connections get this certificate, of workers that start later too. */
  certify(tls: ServerPem): void;
  /** What each worker knows of an id; undefined of one that is not up, or has no time. */
  recall(
    wish: WhyWish,
  ): Promise<readonly { readonly worker: number; readonly recalled: Recalled | undefined }[]>;
  drain(): void;
  /** Waits at most `DEADLINES.drainThreadsMs` by default. */
  stop(waitMs?: number): Promise<void>;
}

interface Member {
  thread: Worker | undefined;
  /** Resolves when the worker has said `drained` or is gone. */
  readonly gone: PromiseWithResolvers<void>;
  readonly restarts: Restarts;
  /** The thread has said `ready`. */
  serves: boolean;
  /** Resolves when the worker follows the topology it was told last. */
  following: PromiseWithResolvers<void>;
  readonly recalls: Recalls;
}

/** Rejects with the Fault of the first worker that cannot start, with the others stopped. */
export async function startCrew(options: {
  readonly workers: number;
  readonly setup: Omit<WorkerSetup, "worker" | "ports">;
  readonly work: (request: MainCall, steered: Steered) => Promise<unknown>;
  /** A worker has died, and the index is repaired. */
  readonly lost: () => void;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): Promise<Crew> {
  const { workers, counters, log, clock } = options;
  let { setup } = options;
  const members = Array.from({ length: workers }, () => newMember(clock));
  const listeners: ListenerReport[] = [];
  let ports: readonly number[] = [];
  let stopping = false;

  const launch = async (worker: number): Promise<void> => {
    const member = members[worker - 1];
    if (member === undefined) return;
    const thread = spawn({ ...setup, worker, ports });
    member.thread = thread;
    thread.on("error", (error) => log.error("worker failed", { worker, error }));
    const desk = deskOf(thread, options.work);
    thread.on("exit", () => onExit(worker, member, thread));
    const ready = await firstWord(thread, (message) => take(message, member, desk));
    if (ports.length === 0) ports = ready.ports;
    for (const listener of ready.listeners) {
      if (!listeners.some((l) => l.address === listener.address)) listeners.push(listener);
    }
  };

  const onExit = (worker: number, member: Member, thread: Worker): void => {
    if (member.thread !== thread) return;
    member.thread = undefined;
    member.serves = false;
    member.following.resolve();
    repairDisks(setup.memory.disks, worker, log);
    const lostFlights = abandonFlights(setup.memory.flights, worker);
    if (stopping) {
      member.gone.resolve();
      return;
    }
    counters.add("worker_restart");
    const waitMs = member.restarts.died();
    const { inARow } = member.restarts;
    log.error("worker died; it is started again", {
      ...{ worker, lostFlights, inARow, nextTryMs: waitMs },
    });
    options.lost();
    setTimeout(() => {
      if (stopping) return;
      launch(worker).catch((error) => log.error("worker did not start", { worker, error }));
    }, waitMs);
  };

  const stalls = watchStalls({
    ...{ beats: setup.memory.beats, workers, counters, log, clock },
    mayTakeMs: (worker) => stallOf(members[worker - 1]),
  });

  // one after the other: the first binds the ports that the others share
  try {
    for (let worker = 1; worker <= workers; worker++) await launch(worker);
  } catch (error) {
    stopping = true;
    stalls[Symbol.dispose]();
    await stopAll(members, DEADLINES.startUndoMs);
    throw error;
  }

  return {
    listeners,
    states: () => members.map((member, i) => reportOf(member, i + 1, stalls.stalledMs(i + 1))),
    tell: (message) => tellAll(members, message),
    follow(followed) {
      const { topology, ...peers } = followed;
      setup = { ...setup, topology, memory: { ...setup.memory, ...peers } };
      return followAll(members, followed);
    },
    certify(tls) {
      setup = { ...setup, publicTls: tls };
      tellAll(members, { kind: "certify", tls });
    },
    recall: (wish) => recallAll(members, wish),
    drain: () => tellAll(members, { kind: "drain" }),
    stop(waitMs = DEADLINES.drainThreadsMs) {
      stopping = true;
      stalls[Symbol.dispose]();
      return stopAll(members, waitMs);
    },
  };
}

function newMember(clock: Clock): Member {
  return {
    thread: undefined,
    gone: Promise.withResolvers<void>(),
    restarts: makeRestarts(clock),
    serves: false,
    following: Promise.withResolvers<void>(),
    recalls: makeRecalls(),
  };
}

function take(message: ToMain, member: Member, desk: CallDesk): void {
  if (message.kind === "ready") {
    member.serves = true;
    member.restarts.served();
  }
  if (message.kind === "drained") member.gone.resolve();
  if (message.kind === "following") member.following.resolve();
  if (message.kind === "recalled") member.recalls.take(message);
  if (message.kind === "call" || message.kind === "steer") desk.take(message);
}

/** How long its event loop may stand still. */
function stallOf(member: Member | undefined): number | undefined {
  if (member?.thread === undefined) return undefined;
  return member.serves ? DEADLINES.workerStallMs : DEADLINES.startMs;
}

function reportOf(member: Member, worker: number, stalledMs: number): WorkerReport {
  const { count, inARow, awayMs, nextTryMs } = member.restarts;
  const common = {
    worker,
    restarts: count,
    inARow,
    nextTryMs,
    awayMs: Math.max(awayMs, stalledMs),
  };
  if (member.thread === undefined) return { ...common, state: "restarting" };
  if (stalledMs > 0) return { ...common, state: "stalled" };
  return { ...common, state: member.serves ? "serving" : "starting" };
}

function deskOf(thread: Worker, work: Parameters<typeof makeCallDesk>[0]["work"]): CallDesk {
  const send = (answer: ToWorker): void => thread.postMessage(answer);
  const desk = makeCallDesk({ work, send });
  thread.on("exit", () => desk.close());
  return desk;
}

function tellAll(members: readonly Member[], message: ToWorker): void {
  for (const { thread } of members) thread?.postMessage(message);
}

async function followAll(members: readonly Member[], followed: Followed): Promise<void> {
  const up = members.filter(({ thread }) => thread !== undefined);
  for (const member of up) member.following = Promise.withResolvers();
  tellAll(members, { kind: "follow", followed });
  await bounded(Promise.all(up.map((m) => m.following.promise)), DEADLINES.followMs);
}

function recallAll(members: readonly Member[], wish: WhyWish): ReturnType<Crew["recall"]> {
  return Promise.all(
    members.map(async ({ thread, recalls }, i) => {
      const send = thread && ((message: ToWorker): void => thread.postMessage(message));
      return { worker: i + 1, recalled: await recalls.ask(send, wish) };
    }),
  );
}

async function stopAll(members: readonly Member[], waitMs: number): Promise<void> {
  for (const m of members) if (m.thread === undefined) m.gone.resolve();
  tellAll(members, { kind: "stop" });
  await bounded(Promise.all(members.map((m) => m.gone.promise)), waitMs);
}

/** The same entry file as main: nested worker paths differ between source and executable (bun-facts §1). */
function spawn(setup: WorkerSetup): Worker {
  return new Worker(pathToFileURL(Bun.main), { workerData: setup, name: `worker-${setup.worker}` });
}

/** `ready`; a Fault when it does not come in time. `take` gets everything, whenever it comes. */
function firstWord(
  thread: Worker,
  take: (message: ToMain) => void,
): Promise<Extract<ToMain, { kind: "ready" }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<ToMain, { kind: "ready" }>>();
  const late = setTimeout(
    () => reject(new Fault("internal", "a worker thread did not start in time")),
    DEADLINES.startMs,
  );
  thread.on("message", (message: ToMain) => {
    take(message);
    if (message.kind === "ready") resolve(message);
    if (message.kind !== "failed") return;
    reject(faultOf(message.fault));
    // it ends, and is started again if others serve already
    thread.postMessage({ kind: "stop" } satisfies ToWorker);
  });
  thread.on("exit", () => reject(new Fault("internal", "a worker thread ended while starting")));
  return promise.finally(() => clearTimeout(late));
}
