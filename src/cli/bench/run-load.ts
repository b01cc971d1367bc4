/** Runs a load on its threads from beginning to end, and measures what it costs this process. */

import type { Worker } from "node:worker_threads";
import { Fault } from "../../base/fault.ts";
import { BENCH_WAITS } from "./bounds.ts";
import { type LoadPlan, nameOf, partOf } from "./plan.ts";
import { createTallyMemory, openTally, sumTallies, type Totals } from "./tally.ts";
import { type FromThread, startBenchThread, type ToThread } from "./thread.ts";

export interface LoadResult {
  readonly totals: Totals;
  /** Without the ramp. */
  readonly elapsedMs: number;
  /** Of this process, all threads together, and how long that was watched. */
  readonly cpuMs: number;
  readonly cpuWallMs: number;
  /** It was told to stop before its end. */
  readonly stopped: boolean;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Called with a look at what has been counted so far; gives what ends it. */
  readonly watch: (look: () => Totals) => Disposable;
}

/** Throws a Fault when no connection stands. */
export async function runLoad(plan: LoadPlan, options: RunOptions): Promise<LoadResult> {
  const { signal, watch } = options;
  const memory = createTallyMemory(plan.threads);
  const tallies = Array.from({ length: plan.threads }, (_, row) => openTally(memory, row));
  const threads = tallies.map((_, row) =>
    makeThread(startBenchThread({ plan: partOf(plan, row), memory, row })),
  );
  const tell = (message: ToThread): void => {
    for (const { worker } of threads) worker.postMessage(message);
  };
  try {
    const connected = await Promise.all(threads.map((thread) => thread.ready));
    if (connected.every((count) => count === 0)) throw unreachable(plan);
    const stop = (): void => tell({ kind: "stop" });
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    else tell({ kind: "go" });
    const goMs = performance.now();
    using cpu = watchCpu(plan);
    using _watching = watch(() => sumTallies(tallies));
    await Promise.all(threads.map((thread) => thread.done));
    signal.removeEventListener("abort", stop);
    const totals = sumTallies(tallies);
    const { aborted } = signal;
    const ranMs = Math.max(0, performance.now() - goMs - plan.rampMs);
    const wholeMs = plan.durationMs ?? totals.lastMs;
    return {
      totals,
      elapsedMs: aborted ? Math.min(ranMs, wholeMs || ranMs) : wholeMs,
      ...cpu.end(),
      stopped: aborted,
    };
  } finally {
    // those that are done have ended by themselves
    for (const { worker } of threads) void worker.terminate();
  }
}

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<number>;
  readonly done: Promise<void>;
}

function makeThread(worker: Worker): Thread {
  const ready = Promise.withResolvers<number>();
  const done = Promise.withResolvers<void>();
  const fail = (cause?: unknown): void => {
    const fault = new Fault("internal", "a load thread has ended before its load", { cause });
    ready.reject(fault);
    done.reject(fault);
  };
  const late = setTimeout(fail, BENCH_WAITS.startMs + BENCH_WAITS.connectMs);
  worker.on("message", (message: FromThread) => {
    if (message.kind === "ready") {
      clearTimeout(late);
      ready.resolve(message.connected);
    } else done.resolve();
  });
  worker.on("error", fail);
  worker.on("exit", () => fail());
  // whoever waits for the one hears of it; nobody may wait for the other
  ready.promise.catch(() => undefined);
  done.promise.catch(() => undefined);
  return { worker, ready: ready.promise, done: done.promise };
}

function unreachable({ groups }: LoadPlan): Fault {
  const names = groups.map(({ target }) => nameOf(target));
  const which = names.length > 3 ? `${names.slice(0, 3).join(", ")}, …` : names.join(", ");
  return new Fault("peer_failed", `${which} cannot be connected to: is the node running?`);
}

/** From the end of the ramp to the end of the load, or of the time it is measured for. */
function watchCpu(plan: LoadPlan): Disposable & {
  end(): Pick<LoadResult, "cpuMs" | "cpuWallMs">;
} {
  let first = lookAtCpu();
  let last: typeof first | undefined;
  const timers = [setTimeout(() => (first = lookAtCpu()), plan.rampMs)];
  if (plan.durationMs !== undefined) {
    timers.push(setTimeout(() => (last = lookAtCpu()), plan.rampMs + plan.durationMs));
  }
  return {
    end() {
      const end = last ?? lookAtCpu();
      return { cpuMs: end.cpuMs - first.cpuMs, cpuWallMs: end.atMs - first.atMs };
    },
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function lookAtCpu(): { readonly cpuMs: number; readonly atMs: number } {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, atMs: performance.now() };
}
