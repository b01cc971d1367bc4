/** Capacities beyond the file systems they are for, as far as those are this machine's. */

import type { Findings } from "./mistakes.ts";
import { rawLevels, type Table } from "./raw.ts";
import type { Server, Topology } from "./topology.ts";

/** Bytes of the file system a directory lies on; undefined when there is no such directory here. */
export type DiskBytes = (dir: string) => number | undefined;

export function warnOfDisks(
  file: Table,
  topology: Topology,
  options: { readonly diskBytes: DiskBytes; readonly findings: Findings },
): void {
  const servers = topology.levels.flatMap((level) => level.servers);
  for (const { name, path } of rawLevels(file).flatMap((level) => level.servers)) {
    const server = servers.find((one) => one.name === name);
    const excess = server && capacityOverDisk(server, options.diskBytes);
    if (excess !== undefined) options.findings.warn([...path, "capacity"], excess);
  }
}

/** What is wrong, for people; undefined when it fits. */
export function capacityOverDisk(
  { cacheDirs, capacityBytes }: Server,
  diskBytes: DiskBytes,
): string | undefined {
  if (capacityBytes === undefined) return undefined;
  const sizes = cacheDirs.map(diskBytes);
  const disk = sizes.reduce<number>((total, bytes = Number.POSITIVE_INFINITY) => total + bytes, 0);
  if (capacityBytes <= disk) return undefined;
  const where = `the file system${cacheDirs.length === 1 ? "" : "s"} of ${cacheDirs.join(", ")}`;
  return (
    `capacity is ${capacityBytes} bytes, ${where} ha${cacheDirs.length === 1 ? "s" : "ve"} ${disk}: ` +
    "the cache is kept to what is free there"
  );
}
