/** What `/metrics` says of the cache at this moment. */

import type { Cache } from "../cache/cache.ts";
import type { Gauge } from "../observe/gauges.ts";

export function cacheGauges(cache: Pick<Cache, "usage" | "disks">): readonly Gauge[] {
  const usage = cache.usage();
  const { variants, bytes, pinnedBytes, reservedBytes, capacityBytes } = usage;
  return [
    { name: "cache_bytes", value: bytes },
    { name: "cache_reserved_bytes", value: reservedBytes },
    { name: "cache_capacity_bytes", value: capacityBytes },
    { name: "cache_limit_bytes", value: usage.limitBytes },
    { name: "cache_pinned_bytes", value: pinnedBytes },
    { name: "cache_variants", value: variants },
    { name: "cache_writable", value: usage.unwritable ? 0 : 1 },
    ...cache.disks().map(
      ({ dir, state }): Gauge => ({
        name: "cache_disk_well",
        labels: { dir },
        value: state === "well" ? 1 : 0,
      }),
    ),
  ];
}
