/** What an address means for one machine: loopback, any address, and where unix sockets end up. */

import { isIPv4 } from "node:net";

/** Bytes of a unix socket path the kernel takes, without its closing NUL (`sun_path` is 108). */
export const SOCKET_PATH_BYTES_MAX = 107;

/** Only this machine can reach it. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || (isIPv4(name) && name.startsWith("127."));
}

/** Bound to every address of the machine. */
export function isAnyHost(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** `/run/mir/edge1.sock` or `/run/mir/edge1` → `/run/mir/edge1.0.sock` for worker 0 (spec §8). */
export function workerSocketPath(path: string, worker: number | "{worker}"): string {
  return `${path.endsWith(".sock") ? path.slice(0, -".sock".length) : path}.${worker}.sock`;
}

/** Spec §11. */
export function adminSocketPath(cacheDir: string): string {
  return `${cacheDir}/.mir/admin.sock`;
}
