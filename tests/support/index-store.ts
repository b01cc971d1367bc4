/** The writing side of a cache index without a directory worth speaking of, for tests below the cache. */

import type { Clock } from "../../src/base/clock.ts";
import { systemClock } from "../../src/base/clock.ts";
import { UNKNOWN_FACTS, type Variant } from "../../src/base/variant.ts";
import type { Policy } from "../../src/cache/layout.ts";
import { type CacheMemory, createCacheMemory } from "../../src/cache/memory.ts";
import { packMeta } from "../../src/cache/meta.ts";
import { NO_COUNTERS, openStore } from "../../src/cache/open-store.ts";
import type { SlotContent } from "../../src/cache/slots.ts";
import type { Store } from "../../src/cache/store.ts";
import { silentLog } from "../../src/observe/log.ts";
import { metaOf, SIZES } from "./cache-dir.ts";

export interface IndexStore {
  readonly memory: CacheMemory;
  readonly store: Store;
}

export function makeIndexStore(options: {
  readonly slots: number;
  readonly capacityBytes?: number;
  readonly clock?: Clock;
  readonly eviction?: Policy;
}): IndexStore {
  const capacityBytes = options.capacityBytes ?? 1 << 30;
  const memory = createCacheMemory({
    capacityBytes,
    slots: options.slots,
    sizes: SIZES,
    seeds: [1, 2],
    ...(options.eviction && { eviction: options.eviction }),
  });
  const store = openStore({
    memory,
    dir: "/nonexistent",
    worker: 0,
    counters: NO_COUNTERS,
    log: silentLog,
    clock: options.clock ?? systemClock,
  });
  return { memory, store };
}

/** What publishing would write into the slot of a relname. */
export function contentOf(
  relname: string,
  bytes: number,
): { variant: Variant; content: SlotContent } {
  const packed = packMeta({ ...metaOf(relname, bytes), facts: UNKNOWN_FACTS });
  if (typeof packed === "string") throw new Error(packed);
  return packed;
}
