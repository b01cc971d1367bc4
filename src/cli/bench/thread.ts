/** One load thread, and how main speaks with it. */

import { pathToFileURL } from "node:url";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { Fault } from "../../base/fault.ts";
import { Load } from "./load.ts";
import type { ThreadPlan } from "./plan.ts";
import { openTally } from "./tally.ts";

const BENCH_THREAD = "bench";

export interface ThreadSetup {
  readonly kind: typeof BENCH_THREAD;
  readonly plan: ThreadPlan;
  readonly memory: SharedArrayBuffer;
  /** Of the memory that this thread writes. */
  readonly row: number;
}

export type FromThread =
  /** Its connections stand, so many of them. */
  { readonly kind: "ready"; readonly connected: number } | { readonly kind: "done" };
export type ToThread = { readonly kind: "go" } | { readonly kind: "stop" };

/** Whether this thread of the program is a load thread. */
export function isBenchThread(): boolean {
  return (workerData as Partial<ThreadSetup> | null)?.kind === BENCH_THREAD;
}

export async function runBenchThread(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Fault("internal", "a load thread without a parent");
  const { plan, memory, row } = workerData as ThreadSetup;
  const load = new Load(plan, openTally(memory, row));
  const say = (message: FromThread): void => port.postMessage(message);
  const go = Promise.withResolvers<void>();
  port.on("message", (message: ToThread) => {
    if (message.kind === "stop") load.stop();
    go.resolve();
  });
  say({ kind: "ready", connected: await load.connect() });
  await go.promise;
  await load.run();
  say({ kind: "done" });
  port.close();
}

/** The same entry file as main: paths of workers differ between source and executable (bun-facts §1). */
export function startBenchThread(setup: Omit<ThreadSetup, "kind">): Worker {
  const workerData: ThreadSetup = { kind: BENCH_THREAD, ...setup };
  return new Worker(pathToFileURL(Bun.main), { workerData, name: `bench-${setup.row}` });
}
