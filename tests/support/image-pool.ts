/** A pool of image workers for tests, with what it counted and logged. */

import { resolve } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { asFault, type Fault } from "../../src/base/fault.ts";
import { type ImagePool, makeImagePool } from "../../src/image/pool.ts";
import type { ImagePoolOptions } from "../../src/image/pool-options.ts";
import {
  type CounterName,
  createCounterMemory,
  openCounters,
  readCounters,
} from "../../src/observe/counters.ts";
import { makeLog } from "../../src/observe/log.ts";
import { childrenOf } from "./child-processes.ts";
import { until } from "./until.ts";

/** What an image worker is started with. */
export const ENTRY = resolve(import.meta.dir, "image-worker.ts");

export interface Tried extends AsyncDisposable {
  readonly pool: ImagePool;
  /** Lines the pool logged. */
  readonly lines: string[];
  counted(name: CounterName): number;
}

export function startPool(more: Partial<ImagePoolOptions> = {}): Tried {
  const memory = createCounterMemory(1);
  const lines: string[] = [];
  const pool = makeImagePool({
    workers: 1,
    command: [process.execPath, ENTRY],
    queueMax: 10,
    jobMs: 60_000,
    counters: openCounters(memory, 0),
    log: makeLog({ node: "n", level: "debug", json: true, write: (line) => lines.push(line) }),
    clock: systemClock,
    ...more,
  });
  return {
    pool,
    lines,
    counted: (name) => readCounters(memory)[name],
    [Symbol.asyncDispose]: () => pool.close(),
  };
}

export function workersHere(): number[] {
  return childrenOf(process.pid, ENTRY);
}

export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  try {
    await promise;
  } catch (error) {
    return asFault(error);
  }
  throw new Error("no fault");
}

export async function busyWorker(pool: ImagePool): Promise<number> {
  await until(() => pool.stats().busy === 1, "a worker is busy");
  const [pid] = workersHere();
  if (pid === undefined) throw new Error("no image worker");
  return pid;
}
