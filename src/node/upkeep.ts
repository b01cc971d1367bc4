/** What main does for the cache now and then: checkpoints and scrubs, some room ahead of need, no more than the disk holds, nothing unused. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { DiskSet } from "../cache/disk-set.ts";
import { SWEEPS_PER_LIFE, sweepUnused } from "../cache/expire.ts";
import { adviseWhenFilled } from "../cache/huge-pages.ts";
import { keepRoom } from "../cache/low-water.ts";
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
  /** Of the node's own files, once the disks were looked at: what is gone of them is made again. */
  readonly ownFiles?: readonly { look(): unknown }[];
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): Upkeep {
  const { topology, disks, counters, log, clock } = options;
  const { expireUnusedMs } = topology.cache;
  const look = async (): Promise<void> => {
    await disks.look();
    for (const own of options.ownFiles ?? []) await own.look();
  };
  const tasks = [careForDisks(options), every(DEADLINES.diskLookMs, log, look)];
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
    cares.push(
      careForCache({ ...begun, readmit, counters, log, clock }),
      keepRoom({ ...begun, counters, log, clock }),
      untilTrue(() => adviseWhenFilled(begun.memory), log),
    );
  });
  return {
    async stop() {
      await Promise.all(cares.map((care) => care.stop()));
    },
  };
}

/** Looks now and then until it is done. */
function untilTrue(done: () => boolean, log: Log): Upkeep {
  const task = every(DEADLINES.tidyMs, log, async () => {
    if (done()) void task.stop();
  });
  return task;
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
