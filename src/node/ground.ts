/** What a node stands on before it serves: its shared memory, its cache restored, its image workers and resolver. */

import { writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type Clock, systemClock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { type DiskSet, openDiskSet } from "../cache/disk-set.ts";
import { refuseOpenAdmin } from "../http/admin.ts";
import { makeDelegate } from "../image/delegate.ts";
import { type ImagePool, makeImagePool } from "../image/pool.ts";
import type { ImagePoolOptions } from "../image/pool-options.ts";
import { openWaitBoard } from "../image/wait-board.ts";
import { type Credentials, refuseOpenControl } from "../mesh/credentials.ts";
import { calmLog } from "../observe/calm-log.ts";
import { type Counters, openCounters } from "../observe/counters.ts";
import { type Log, makeLog } from "../observe/log.ts";
import { makeApiResolver, makeEmbeddedResolver, type Resolver } from "../resolve/resolver.ts";
import type { ReadResult } from "../topology/read.ts";
import type { TopologyFile } from "../topology/schema.ts";
import { type Server, serverNamed, type Topology } from "../topology/topology.ts";
import { capacityOverDisk } from "../topology/warn-disks.ts";
import { tellOfMeshCertificate } from "./certificates.ts";
import { readCredentials } from "./credentials.ts";
import { fileSystemBytes } from "./disk-size.ts";
import { createSharedSet } from "./memory.ts";
import type { LogWish, SharedSet } from "./messages.ts";
import { checkOpenFiles, filesNeeded, openFilesLimit } from "./open-files.ts";
import { openPublicTls, type PublicTls } from "./public-tls.ts";
import { IMAGE_WORKER, selfCommand } from "./reexec.ts";
import type { Secrets } from "./secrets.ts";
import { makeUploads, type Uploads } from "./uploads.ts";

export interface NodeOptions {
  readonly topology: Topology;
  /** The same as it was written, and how to read it again. */
  readonly file: TopologyFile;
  readonly reread: () => ReadResult;
  readonly server: string;
  readonly secrets: Secrets;
  readonly log: LogWish;
  readonly drainGraceMs?: number;
}

/** Files of the node's own that somebody may remove under it. */
export interface OwnFiles {
  /** Makes again what is gone. */
  look(): unknown;
  /** What cannot be made again, in a line. */
  trouble(): string | undefined;
}

export interface Ground {
  readonly self: Server;
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  readonly memory: SharedSet;
  readonly credentials: Credentials;
  readonly publicTls: PublicTls;
  readonly uploads: Uploads;
  /** In the order in which they are looked at. */
  readonly ownFiles: OwnFiles[];
  /** Gives the directories of the cache back. */
  readonly disks: DiskSet;
  readonly images: ImagePool;
  readonly resolver: Resolver;
}

/** Throws a Fault that says what is wrong. */
export function layGround(options: NodeOptions): Ground {
  const { topology, secrets } = options;
  const self = serverNamed(topology, options.server);
  const credentials = readCredentials(secrets.controlKeys, topology.security.tls);
  refuseOpenControls(topology, self, credentials);
  refuseOpenAdmin(self.admin, secrets.adminToken);
  const workers = resolveCount(self.workers, LIMITS.workersMax);
  const clock = systemClock;
  const everything = makeLog({
    ...{ node: self.name, ...options.log },
    write: (line) => writeSync(2, line),
  });
  const log = calmLog(everything, clock);
  tellOfMeshCertificate(credentials, { topology, self, log });
  checkOpenFiles(filesNeeded(topology, self, workers), openFilesLimit(), log);
  const memory = createSharedSet(topology, self, workers);
  const counters = openCounters(memory.counters, 0);
  const publicTls = openPublicTls(topology.tls, { counters, log });
  const uploads = makeUploads({ cacheDir: self.cacheDir, log });
  const { pinned } = uploads;
  const watched = { counters, log, clock };
  const disks = openDiskSet({ disks: memory.disks, home: self.cacheDir, pinned, ...watched });
  const excess = capacityOverDisk(self, fileSystemBytes);
  if (excess !== undefined) log.warn("cache.capacity_over_disk", { warning: excess });
  return {
    ...{ self, workers, clock, log, counters, memory, credentials, publicTls, uploads, disks },
    ownFiles: [uploads],
    images: startImages(topology, self, { counters, log, board: openWaitBoard(memory.imageWaits) }),
    resolver: startResolver(topology, { counters, log, clock }),
  };
}

function refuseOpenControls(topology: Topology, self: Server, credentials: Credentials): void {
  const { insecure } = topology.security;
  for (const { bind: host, port } of self.privates) {
    refuseOpenControl({ host, port, insecure, credentials });
  }
}

/** Threads or processes meant by a number or `"cpus"`, affinity and quota counted. */
function resolveCount(wanted: number | "cpus", max: number): number {
  return Math.min(max, Math.max(1, wanted === "cpus" ? availableParallelism() : wanted));
}

function startResolver(
  topology: Topology,
  watched: { readonly counters: Counters; readonly log: Log; readonly clock: Clock },
): Resolver {
  const api = topology.services.contentResolutionApi;
  return api === undefined ? makeEmbeddedResolver() : makeApiResolver({ api, ...watched });
}

function startImages(
  topology: Topology,
  self: Server,
  observers: Pick<ImagePoolOptions, "counters" | "log" | "board">,
): ImagePool {
  const { execPath, args } = selfCommand();
  const pool = makeImagePool({
    workers: resolveCount(self.imageWorkers, LIMITS.workersMax),
    command: [execPath, ...args, IMAGE_WORKER],
    queueMax: topology.limits.imageQueue,
    jobMs: topology.limits.imageJobMs,
    clock: systemClock,
    ...observers,
  });
  const endpoint = topology.services.thumbnailEndpoint;
  return endpoint === undefined
    ? pool
    : makeDelegate({ endpoint, pool, clock: systemClock, ...observers });
}
