/** What main does for the cache now and then: checkpoints and scrubs, no more than the disk has room for, nothing that nobody asks for. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { DiskSet } from "../cache/disk-set.ts";
import { SWEEPS_PER_LIFE, sweepUnused } from "../cache/expire.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Topology } from "../topology/topology.ts";
import { type CacheCare, type CaredFor, careForCache } from "./cache-care.ts";

export interface Upkeep {
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function startUpkeep(options: {
  readonly topology: Topology;
  /** Have been looked at once. */
  readonly disks: DiskSet;
  readonly readmit?: CaredFor["readmit"];
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): Upkeep {
  const { topology, disks, counters, log, clock } = options;
  const { expireUnusedMs } = topology.cache;
  const tasks = [careForDisks(options), every(DEADLINES.diskLookMs, log, () => disks.look())];
  if (expireUnusedMs !== undefined) {
    const sweep = (stopping: () => boolean): Promise<unknown> =>
      disks.each((disk) => sweepUnused({ ...disk, counters, log, clock, stopping }));
    tasks.push(every(expireUnusedMs / SWEEPS_PER_LIFE, log, sweep));
  }
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()));
    },
  };
}

/** Each directory on its own, from when it is first put to use. */
function careForDisks(options: Parameters<typeof startUpkeep>[0]): Upkeep {
  const { disks, readmit, counters, log, clock } = options;
  const cares: CacheCare[] = [];
  disks.onBegun((begun) => {
    cares.push(careForCache({ ...begun, readmit, counters, log, clock }));
  });
  return {
    async stop() {
      await Promise.all(cares.map((care) => care.stop()));
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
