/** What is told of each server of a mesh, and what an operator should look at: pure functions of one document. */

import type { MeshDocument, MeshServer } from "../http/mesh-document.ts";
import type { StatusDocument } from "../http/status-document.ts";

/** Figures that a server has not told are undefined. */
export interface ServerRow {
  readonly name: string;
  readonly level: number;
  readonly state: MeshServer["state"];
  readonly draining: boolean;
  readonly region: string | undefined;
  readonly uptimeSeconds: number | undefined;
  /** Of clients and of other nodes. */
  readonly requestsPerSecond: number | undefined;
  readonly hitRatio: number | undefined;
  readonly bytesInPerSecond: number | undefined;
  readonly bytesOutPerSecond: number | undefined;
  readonly cacheBytes: number | undefined;
  /** Part of its capacity. */
  readonly cacheShare: number | undefined;
  /** Image jobs that somebody waits for. */
  readonly queued: number | undefined;
  /** Uploads on their way. */
  readonly outbox: number | undefined;
  /** Why it has told nothing. */
  readonly reason: string | undefined;
}

export function rowsOf(mesh: MeshDocument): readonly ServerRow[] {
  return mesh.levels.flatMap(({ level, servers }) => servers.map((server) => rowOf(server, level)));
}

function rowOf(server: MeshServer, level: number): ServerRow {
  const { name, state, region, status, statusReason } = server;
  const rates = status !== undefined && status.rates.seconds > 0 ? status.rates : undefined;
  const cache = status?.cache;
  return {
    ...{ name, level, state, region: region ?? undefined },
    draining: server.draining || status?.draining === true,
    uptimeSeconds: status?.uptimeSeconds,
    requestsPerSecond: rates && rates.requests + rates.peerRequests,
    hitRatio: rates?.hitRatio ?? undefined,
    bytesInPerSecond: rates?.bytesIn,
    bytesOutPerSecond: rates?.bytesOut,
    cacheBytes: cache?.bytes,
    cacheShare: cache && cache.capacityBytes > 0 ? cache.bytes / cache.capacityBytes : undefined,
    queued: status?.images.queued,
    outbox: status?.outbox.pending,
    reason: statusReason,
  };
}

/** All servers that have told together. */
export interface MeshTotals {
  readonly servers: number;
  readonly up: number;
  /** Of clients alone: what nodes ask each other is no further demand. */
  readonly requestsPerSecond: number;
  readonly bytesOutPerSecond: number;
}

export function totalsOf(mesh: MeshDocument): MeshTotals {
  const servers = mesh.levels.flatMap((level) => level.servers);
  const sum = (of: (status: StatusDocument) => number): number =>
    servers.reduce((total, { status }) => total + (status === undefined ? 0 : of(status)), 0);
  return {
    servers: servers.length,
    up: servers.filter(({ state }) => state === "up").length,
    requestsPerSecond: sum(({ rates }) => rates.requests),
    bytesOutPerSecond: sum(({ rates }) => rates.bytesOut),
  };
}

/** What is out of order, the worst first. */
export function warningsOf(mesh: MeshDocument): readonly string[] {
  const servers = mesh.levels.flatMap((level) => level.servers);
  const origins = mesh.levels.flatMap((level) => level.origins);
  return [
    ...servers.flatMap(unreachable),
    ...origins
      .filter(({ leftAlone }) => leftAlone)
      .map(({ name }) => `the origin ${name} keeps failing: it is left alone for a while`),
    ...servers.flatMap(({ name, status }) => (status === undefined ? [] : troubles(name, status))),
    ...otherEpochs(mesh),
    ...otherClasses(mesh),
    ...otherVersions(mesh),
  ];
}

function unreachable({ name, state, seenBy, statusReason }: MeshServer): readonly string[] {
  if (state === "down" || state === "suspect") {
    return [`${name} is ${state}${seenBy === null ? "" : `, says ${seenBy}`}`];
  }
  return statusReason === undefined ? [] : [`${name} tells nothing of itself: ${statusReason}`];
}

function troubles(name: string, status: StatusDocument): readonly string[] {
  const { cache, workers, outbox, rebalance } = status;
  const restarting = workers.filter(({ state }) => state !== "serving");
  return [
    ...cache.disks
      .filter(({ state }) => state !== "well")
      .map(({ dir, state }) => `${name}: the disk ${dir} is ${state}`),
    ...(restarting.length > 0 ? [`${name}: ${restarting.length} workers are being restarted`] : []),
    ...(outbox.aside > 0 ? [`${name}: ${outbox.aside} uploads are set aside; see its log`] : []),
    ...(rebalance.failed > 0
      ? [`${name}: ${rebalance.failed} variants could not be moved: ${rebalance.fault ?? "?"}`]
      : []),
    ...(status.draining ? [`${name} has been told to stop`] : []),
  ];
}

function otherEpochs({ server, epoch, levels }: MeshDocument): readonly string[] {
  return levels
    .flatMap((level) => level.servers)
    .filter(({ status }) => status !== undefined && status.epoch !== epoch)
    .map(({ name, status }) => {
      return `${name} has another topology (${status?.epoch}) than ${server} (${epoch})`;
    });
}

function otherClasses(mesh: MeshDocument): readonly string[] {
  const { told, own } = toldBy(mesh);
  return told
    .filter(({ classes }) => own?.classes !== undefined && classes !== undefined)
    .filter(({ classes }) => classes !== own?.classes)
    .map(({ server }) => `${server} has other sizes than ${mesh.server}: one is to be restarted`);
}

function otherVersions(mesh: MeshDocument): readonly string[] {
  const { told, own } = toldBy(mesh);
  return told
    .filter(({ version }) => own !== undefined && version !== own.version)
    .map(({ server, version }) => `${server} runs ${version}, ${mesh.server} runs ${own?.version}`);
}

/** What servers say, and what the one says that tells it all. */
function toldBy({ server, levels }: MeshDocument): {
  readonly told: readonly StatusDocument[];
  readonly own: StatusDocument | undefined;
} {
  const told = levels.flatMap((level) => level.servers).flatMap(({ status }) => status ?? []);
  return { told, own: told.find((status) => status.server === server) };
}
