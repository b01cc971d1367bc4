/** What main does for the cache now and then: checkpoints and scrubs, no more than the disk has room for, nothing that nobody asks for. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { watchDisk } from "../cache/disk.ts";
import { SWEEPS_PER_LIFE, sweepUnused } from "../cache/expire.ts";
import type { CacheMemory } from "../cache/memory.ts";
import type { Restored } from "../cache/restore.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Server, Topology } from "../topology/topology.ts";
import { type CaredFor, careForCache } from "./cache-care.ts";

export interface Upkeep {
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function startUpkeep(options: {
  readonly topology: Topology;
  readonly self: Server;
  readonly memory: CacheMemory;
  readonly restored: Restored;
  readonly readmit?: CaredFor["readmit"];
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** Has been called once. */
  readonly fitDisk: ReturnType<typeof watchDisk>;
}): Upkeep {
  const { topology, memory, counters, log, clock } = options;
  const dir = options.self.cacheDir;
  const { expireUnusedMs } = topology.cache;
  const tasks = [
    careForCache({ ...options, dir }),
    every(DEADLINES.diskLookMs, log, options.fitDisk),
  ];
  if (expireUnusedMs !== undefined) {
    const sweep = (stopping: () => boolean): Promise<unknown> =>
      sweepUnused({ memory, dir, counters, log, clock, stopping });
    tasks.push(every(expireUnusedMs / SWEEPS_PER_LIFE, log, sweep));
  }
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()));
    },
  };
}

/** One run at a time, the next one `waitMs` after the last has ended. */
function every(
  waitMs: number,
  log: Log,
  run: (stopping: () => boolean) => Promise<unknown>,
): Upkeep {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer = setTimeout(turn, waitMs);
  function turn(): void {
    running = run(() => stopped)
      .then(
        () => {},
        (error) => log.error("upkeep of the cache failed", { error }),
      )
      .then(() => {
        if (!stopped) timer = setTimeout(turn, waitMs);
      });
  }
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
