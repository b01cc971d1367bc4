/** Whether a node may open as many files as its topology needs: asked at the start, not when clients are turned away. */

import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import type { Server, Topology } from "../topology/topology.ts";
import { peersOf } from "./watch-peers.ts";

/** A process, and a worker thread beside its listeners, with what comes and goes; idle, 17 were seen with two workers. */
const PROCESS_FILES = 64;
const WORKER_FILES = 16;
/** Pipes of an image worker, with those of its successor. */
const IMAGE_WORKER_FILES = 8;
/** A cache directory: journal, digests, checkpoint, lock, and what is being written. */
const DISK_FILES = 16;
/** Clients that must be able to come at the least, and those of each worker that a machine in use should hold. */
const CLIENTS_LEAST = 64;
const CLIENTS_WORKER = 1024;
/** A connection, and the file that is sent on it. */
const CLIENT_FILES = 2;

export interface FilesNeeded {
  /** Without these it does not work. */
  readonly least: number;
  /** With these it holds all connections to its peers, and 1,024 clients a worker. */
  readonly enough: number;
}

export function filesNeeded(topology: Topology, self: Server, workers: number): FilesNeeded {
  const peers = peersOf(topology, self).length;
  const others = topology.levels.flatMap(({ servers }) => servers).length - 1;
  const images = self.imageWorkers === "cpus" ? workers : self.imageWorkers;
  const listeners = self.publics.length + self.privates.length;
  const still =
    PROCESS_FILES +
    workers * (WORKER_FILES + listeners) +
    images * IMAGE_WORKER_FILES +
    self.cacheDirs.length * DISK_FILES;
  // a connection to and from each peer that only tells whether it lives
  const least = still + 2 * peers + CLIENTS_LEAST * CLIENT_FILES;
  const asked = Math.min(others * LIMITS.linkConnectionsMax, LIMITS.listenerConnectionsMax);
  const links = workers * (peers * LIMITS.linkConnectionsMax + asked);
  return { least, enough: still + links + workers * CLIENTS_WORKER * CLIENT_FILES };
}

/**
 * Throws a Fault when the limit is too low to work, warns when it is low. The runtime has raised the soft limit to the
 * hard one already.
 */
export function checkOpenFiles(needed: FilesNeeded, limit: number | undefined, log: Log): void {
  if (limit === undefined) return;
  const { least, enough } = needed;
  const what = `open files are limited to ${limit}; this server of the topology needs`;
  const how = "raise LimitNOFILE of its unit, or ulimit -n where it is started";
  if (limit < least) throw new Fault("bad_request", `${what} at least ${least}: ${how}`);
  if (limit < enough) {
    log.warn("open_files.low", { warning: `${what} up to ${enough} with many clients: ${how}` });
  }
}

/** What the kernel allows this process; undefined where it does not say, or sets no limit. */
export function openFilesLimit(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
