/** What `/metrics` says of the cache at this moment. */

import type { Cache } from "../cache/cache.ts";
import type { Gauge } from "../observe/exposition.ts";

export function cacheGauges(cache: Pick<Cache, "usage" | "disks">): readonly Gauge[] {
  const usage = cache.usage();
  const { variants, bytes, pinnedBytes, reservedBytes, capacityBytes } = usage;
  return [
    { name: "cache_bytes", help: "Bytes of cached variants on disk", value: bytes },
    {
      name: "cache_reserved_bytes",
      help: "Bytes promised to loads under way",
      value: reservedBytes,
    },
    { name: "cache_capacity_bytes", help: "Bytes the cache may take", value: capacityBytes },
    {
      name: "cache_limit_bytes",
      help: "Bytes the cache may take for now: its capacity, or less where the file system has less",
      value: usage.limitBytes,
    },
    {
      name: "cache_writable",
      help: "1 while the cache directory can be written; 0: answers are served without being kept",
      value: usage.unwritable ? 0 : 1,
    },
    ...cache.disks().map(({ dir, state }) => ({
      name: "cache_disk_well",
      help: "1 for a directory of the cache that can be read and written, 0 for one that is out of order",
      labels: { dir },
      value: state === "well" ? 1 : 0,
    })),
    { name: "cache_variants", help: "Cached variants", value: variants },
    {
      name: "cache_pinned_bytes",
      help: "Bytes of uploads that wait to be handed on; above half of the capacity more are refused",
      value: pinnedBytes,
    },
  ];
}
