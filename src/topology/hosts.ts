/** What an address means for one machine: loopback, any address, and where unix sockets end up. */

import { isIPv4 } from "node:net";

/** Bytes of a unix socket path the kernel takes, without its closing NUL (`sun_path` is 108). */
export const SOCKET_PATH_BYTES_MAX = 107;
/** Bytes of the whole path of a cache directory: with it every temporary file fits the record of its load. */
export const CACHE_DIR_BYTES_MAX = 1024;

/** As a socket tells IPv4 addresses that came in over IPv6. */
const MAPPED = "::ffff:";

/** Only this machine can reach it; for names as topologies have them and for addresses as sockets tell them. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  const address = name.startsWith(MAPPED) ? name.slice(MAPPED.length) : name;
  return name === "localhost" || name === "::1" || (isIPv4(address) && address.startsWith("127."));
}

/** Bound to every address of the machine. */
export function isAnyHost(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** `/run/mir/edge1.sock` or `/run/mir/edge1` → `/run/mir/edge1.0.sock` for worker 0 (spec §8): threads cannot share one path. */
export function workerSocketPath(path: string, worker: number | "{worker}"): string {
  return `${path.endsWith(".sock") ? path.slice(0, -".sock".length) : path}.${worker}.sock`;
}

/** Spec §11. */
export function adminSocketPath(cacheDir: string): string {
  return `${cacheDir}/.mir/admin.sock`;
}
