/** Addresses to listen on: how they are written, and why one cannot be had. */

import { errnoOf } from "./errno.ts";
import { Fault } from "./fault.ts";

/** `127.0.0.1:80`, `[::1]:80`. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * What the system said, as a Fault for whoever starts the node. All of it is in the message: the error itself
 * would say it again, with names of sockets that are nobody's business.
 */
export function cannotListen(where: string, error: unknown): Fault {
  return new Fault("bad_request", `cannot listen on ${where}: ${reasonOf(error)}`);
}

function reasonOf(error: unknown): string {
  switch (errnoOf(error)) {
    case "EADDRINUSE":
      return "address in use, another process has it";
    case "EADDRNOTAVAIL":
      return "this machine does not have that address";
    case "EACCES":
      return "permission denied";
    case "ENAMETOOLONG":
      return "the path of a socket may be at most 107 bytes long";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
