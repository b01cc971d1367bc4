/** Which listeners are asked: an address, or all public ones of level 0 of a topology. */

import { existsSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { isAnyHost, workerSocketPath } from "../../topology/hosts.ts";
import type { PublicListener, Topology } from "../../topology/topology.ts";
import { readTopologyFile } from "../topology-file.ts";
import { UsageError } from "../usage.ts";
import { BENCH_LIMITS } from "./bounds.ts";
import type { Target } from "./plan.ts";

export interface Address {
  readonly target: Target;
  /** Of the one URL that is asked for; undefined when it names a listener only. */
  readonly path: string | undefined;
}

const EXPECTED = "expected http://host:port, http://host:port/path or unix:/path/to.sock";

export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/")) throw new UsageError(`${text}: ${EXPECTED}`);
    return { target: { kind: "unix", path }, path: undefined };
  }
  if (text.startsWith("https:")) {
    throw new UsageError(`${text}: TLS is not spoken here; name a plain listener of the node`);
  }
  const url = text.startsWith("http://") ? URL.parse(text) : null;
  if (url === null || url.username !== "" || url.hash !== "") {
    throw new UsageError(`${text}: ${EXPECTED}`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const path = url.pathname === "/" && url.search === "" ? undefined : url.pathname + url.search;
  return { target: { kind: "net", host, port: Number(url.port || "80") }, path };
}

/** Throws a Fault when the file has mistakes, or nothing in it can be asked. */
export function readTargets(file: string): {
  readonly topology: Topology;
  readonly targets: readonly [Target, ...Target[]];
} {
  const read = readTopologyFile(file);
  if (read.kind === "mistakes") {
    throw new Fault("bad_request", `${file} has mistakes: see mir check ${file}`);
  }
  const { topology } = read;
  const servers = topology.levels[0]?.servers ?? [];
  const [first, ...rest] = servers.flatMap(({ publics }) =>
    publics.flatMap((listener) => targetsOf(listener, topology)),
  );
  if (first === undefined) {
    const told = `level 0 of ${file} has no public listener that can be asked: ${CAN_BE_ASKED}`;
    throw new Fault("bad_request", told);
  }
  if (rest.length >= BENCH_LIMITS.targetsMax) {
    throw new Fault(
      "bad_request",
      `${file} has more than ${BENCH_LIMITS.targetsMax} public listeners at level 0`,
    );
  }
  return { topology, targets: [first, ...rest] };
}

const CAN_BE_ASKED =
  "it takes plain HTTP (with [tls], one of tls = false) at a port that is not 0, or a socket that is there";

/** None for TLS, and none where the port is not known before the node runs. */
function targetsOf(listener: PublicListener, { tls }: Topology): readonly Target[] {
  if (listener.type === "unix") return socketsOf(listener.path);
  if ((listener.tls && tls !== undefined) || listener.port === 0) return [];
  const { host, port } = listener;
  return [{ kind: "net", host: isAnyHost(host) ? loopbackOf(host) : host, port }];
}

/** Any address is bound, never dialled. */
function loopbackOf(host: string): string {
  return host === "::" ? "::1" : "127.0.0.1";
}

/** As many as there are: only the node knows how many of its workers open one. */
function socketsOf(path: string): readonly Target[] {
  const sockets: Target[] = [];
  for (let worker = 0; worker < BENCH_LIMITS.targetsMax; worker++) {
    const socket = workerSocketPath(path, worker);
    if (!existsSync(socket)) break;
    sockets.push({ kind: "unix", path: socket });
  }
  return sockets;
}
