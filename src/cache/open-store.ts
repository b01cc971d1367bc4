/** Opens the writing side of the cache for one thread. */

import type { Clock } from "../base/clock.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { openDigests } from "./digests.ts";
import { openJournal } from "./journal.ts";
import type { CacheMemory } from "./memory.ts";
import { makeEviction } from "./policy.ts";
import { openPurged } from "./purged.ts";
import type { Store } from "./store.ts";
import { makeWriteBreaker } from "./trouble.ts";
import { openView } from "./view.ts";

/** For main's upkeep, whose evictions are no one's request. */
export const NO_COUNTERS: Counters = { add() {} };

export function openStore(options: {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly worker: number;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
}): Store {
  const { dir, worker, counters, log, clock } = options;
  const view = openView(options.memory);
  const journal = openJournal(dir);
  const digests = openDigests(dir, view.slots);
  return {
    view,
    dir,
    worker,
    counters,
    log,
    clock,
    writes: makeWriteBreaker({ clock, log, dir }),
    purged: openPurged(options.memory, clock),
    journal,
    digests,
    eviction: makeEviction(view),
    rooms: new Set(),
    close() {
      journal.close();
      digests.close();
    },
  };
}
