/** What nodes show each other to be let in, and where a listener may do without. */

import { Fault } from "../base/fault.ts";
import { isLoopback } from "./loopback.ts";

export interface Credentials {
  /** Control keys, the newest first; a connection needs one that both sides have. [] for none. */
  readonly keys: readonly string[];
}

export const NO_CREDENTIALS: Credentials = { keys: [] };

/** Throws a Fault for a listener that anybody could talk to (spec §3 "Authentication"). */
export function refuseOpenControl(options: {
  readonly host: string;
  readonly port: number;
  readonly insecure: boolean;
  readonly credentials: Credentials;
}): void {
  const { host, port, insecure, credentials } = options;
  if (insecure || isLoopback(host) || credentials.keys.length > 0) return;
  throw new Fault(
    "bad_request",
    `the control listener ${host}:${port} is not on loopback and nothing proves who dials it: set ` +
      "MIR_CONTROL_KEY on all nodes, or bind it to 127.0.0.1, or set [security] insecure = true " +
      "where the network itself is trusted",
  );
}
