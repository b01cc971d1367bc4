/** What `/metrics` says of the process, under the names that every program gives these figures. */

import { readdirSync, readFileSync } from "node:fs";
import { version } from "../base/version.ts";
import type { Gauge } from "../observe/gauges.ts";
import { readLags } from "../observe/lag.ts";

const OPEN_FILES = "/proc/self/fd";
const LIMITS_FILE = "/proc/self/limits";

export function processGauges(lags: SharedArrayBuffer): readonly Gauge[] {
  const { user, system } = process.cpuUsage();
  const { open, most } = descriptors();
  const startedAt = Math.round(Date.now() / 1000 - process.uptime());
  return [
    { name: "build_info", labels: { version, runtime: `bun ${Bun.version}` }, value: 1 },
    ...readLags(lags).map(
      (value, thread): Gauge => ({
        name: "thread_lag_seconds",
        labels: { thread: String(thread) },
        value,
      }),
    ),
    { name: "process_resident_memory_bytes", value: process.memoryUsage.rss() },
    ...(open === undefined ? [] : [{ name: "process_open_fds" as const, value: open }]),
    ...(most === undefined ? [] : [{ name: "process_max_fds" as const, value: most }]),
    { name: "process_cpu_seconds_total", value: (user + system) / 1e6 },
    { name: "process_start_time_seconds", value: startedAt },
  ];
}

/** undefined where the system does not tell. */
function descriptors(): { readonly open?: number; readonly most?: number } {
  try {
    const limit = /^Max open files\s+(\S+)/m.exec(readFileSync(LIMITS_FILE, "utf8"))?.[1];
    // the one that reads the folder is among them
    const open = readdirSync(OPEN_FILES).length - 1;
    const most = limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit);
    return Number.isNaN(most) ? { open } : { open, most };
  } catch {
    return {};
  }
}
