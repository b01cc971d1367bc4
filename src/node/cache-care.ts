/** What main does for one cache directory after a start: the rest of the index, index and directory together, files in doubt, then checkpoints and a slow scrub. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { takeCheckpoint } from "../cache/checkpoint.ts";
import type { CacheMemory } from "../cache/memory.ts";
import { openStore } from "../cache/open-store.ts";
import { type Reconciled, reconcile } from "../cache/reconcile.ts";
import type { Restored } from "../cache/restore.ts";
import { scrub } from "../cache/scrub.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";

/** Of the main thread's time, while index and directory are brought together. */
const WALK_SHARE = 0.25;
const WALK_SLICE_MS = 5;

export interface CacheCare {
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface CaredFor {
  readonly memory: CacheMemory;
  readonly dir: string;
  readonly restored: Restored;
  /** True while the disk is out of order: nothing is done then, least of all is what is missing forgotten. */
  readonly isOut: () => boolean;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** Originals without a record, where records were lost; called once, when all of them are found. */
  readonly readmit?:
    | ((relnames: readonly string[], stopping: () => boolean) => Promise<unknown>)
    | undefined;
}

export function careForCache(cache: CaredFor): CacheCare {
  let stopped = false;
  const stopping = (): boolean => stopped;
  const running = run(cache, stopping).catch((error: unknown) =>
    cache.log.error("upkeep of the cache failed", { error, dir: cache.dir }),
  );
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

async function run(cache: CaredFor, stopping: () => boolean): Promise<void> {
  await cache.restored.load(stopping);
  // beside the rest, since a journal grows from the first moment on
  const checkpoints = keepJournalShort(cache, stopping);
  try {
    await bringTogether(cache, stopping);
    await scrubWhat(cache, "doubtful", stopping);
    while (!stopping()) {
      await waitFor(DEADLINES.scrubPauseMs, stopping);
      await scrubWhat(cache, "all", stopping);
    }
  } finally {
    await checkpoints;
  }
}

async function keepJournalShort(cache: CaredFor, stopping: () => boolean): Promise<void> {
  const { memory, dir, log, clock, restored } = cache;
  const { tombstones } = restored;
  while (!stopping()) {
    await waitFor(DEADLINES.tidyMs, stopping);
    if (!stopping() && !cache.isOut())
      await takeCheckpoint({ memory, dir, log, clock, tombstones });
  }
}

async function bringTogether(cache: CaredFor, stopping: () => boolean): Promise<void> {
  const store = openStore({ ...cache, worker: 0 });
  const lost = cache.restored.state === "partial";
  const originals: string[] = [];
  const spare = (relname: string): boolean => {
    const kept = lost && cache.readmit !== undefined && originals.length < LIMITS.readmitMax;
    if (!kept || !relname.includes("/orig/")) return false;
    originals.push(relname);
    return true;
  };
  try {
    await inSlices(reconcile(store, spare), { stopping, isOut: cache.isOut });
  } catch (error) {
    const effect = "files that nobody knows may stay";
    cache.log.warn("cache.unreconciled", { error, dir: cache.dir, effect });
  } finally {
    store.close();
  }
  if (originals.length > 0 && !stopping()) await cache.readmit?.(originals, stopping);
}

function scrubWhat(
  cache: CaredFor,
  what: "doubtful" | "all",
  stopping: () => boolean,
): Promise<unknown> {
  const doubtful = what === "doubtful";
  const bytesPerSecond = doubtful ? LIMITS.doubtBytesPerSecond : LIMITS.scrubBytesPerSecond;
  return scrub({ ...cache, what, bytesPerSecond, stopping: () => stopping() || cache.isOut() });
}

/** In slices, with pauses between them that leave most of the thread to others. */
async function inSlices(
  steps: Generator<void, Reconciled>,
  { stopping, isOut }: { readonly stopping: () => boolean; readonly isOut: () => boolean },
): Promise<void> {
  let sliceMs = performance.now();
  while (!stopping() && steps.next().done !== true) {
    const spentMs = performance.now() - sliceMs;
    if (spentMs < WALK_SLICE_MS) continue;
    await Bun.sleep(spentMs * (1 / WALK_SHARE - 1));
    while (isOut() && !stopping()) await waitFor(DEADLINES.diskLookMs, stopping);
    sliceMs = performance.now();
  }
}

/** In pieces, so that a stop is heard. */
async function waitFor(waitMs: number, stopping: () => boolean): Promise<void> {
  const PIECE_MS = 200;
  for (let left = waitMs; left > 0 && !stopping(); left -= PIECE_MS) {
    await Bun.sleep(Math.min(PIECE_MS, left));
  }
}
