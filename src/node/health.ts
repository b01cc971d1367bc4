/** What the state of its worker threads means for a node: whether it should get requests, and what is out of order. */

import { DEADLINES } from "../base/deadlines.ts";

export interface WorkerReport {
  readonly worker: number;
  /** `stalled`: it lives, and its event loop does not turn. */
  readonly state: "starting" | "serving" | "stalled" | "restarting";
  /** Times it has died since the node started, and without having served for a while in between. */
  readonly restarts: number;
  readonly inARow: number;
  /** Milliseconds for which it has not served. */
  readonly awayMs: number;
  /** Milliseconds until it is started again. */
  readonly nextTryMs: number;
}

/** From so many deaths in a row on a worker is one that keeps dying. */
const KEEPS_DYING = 3;

/**
 * Why requests should go elsewhere. One worker that has stalled for good is enough: the kernel goes on handing it its
 * share of new connections.
 */
export function whyUnready(workers: readonly WorkerReport[]): string | undefined {
  if (!workers.some(({ state }) => state === "serving")) return "no worker serves";
  return whyLost(workers);
}

/** Why only a restart of the process helps: a thread cannot be ended from outside without harm to what it shares. */
export function whyLost(workers: readonly WorkerReport[]): string | undefined {
  const away = workers.filter(({ awayMs }) => awayMs >= DEADLINES.workerLostMs);
  if (away.length === workers.length) return "no worker has served for long";
  const lost = away.find(({ state }) => state === "stalled");
  return lost === undefined ? undefined : `worker ${lost.worker} has stalled for long`;
}

/** A line for each worker that is out of order. */
export function workerRemarks(workers: readonly WorkerReport[]): readonly string[] {
  return workers.flatMap((report) => {
    const { worker, state, inARow, awayMs, nextTryMs } = report;
    const dying = inARow >= KEEPS_DYING ? `; it has died ${inARow} times in a row` : "";
    if (state === "restarting") {
      return [`worker ${worker}: restarting in ${seconds(nextTryMs)}${dying}`];
    }
    if (state === "stalled") return [`worker ${worker}: stalled for ${seconds(awayMs)}${dying}`];
    return state === "starting" || dying !== "" ? [`worker ${worker}: ${state}${dying}`] : [];
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
