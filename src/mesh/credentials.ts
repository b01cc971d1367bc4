/** What nodes show each other to be let in, and where a listener may do without. */

import { Fault } from "../base/fault.ts";
import { isLoopback } from "../topology/hosts.ts";

export interface Credentials {
  /** Control keys, the newest first; a connection needs one that both sides have. [] for none. */
  readonly keys: readonly string[];
  /** With it every connection is TLS, and both ends need a certificate. */
  readonly tls?: TlsPem | undefined;
}

/** Texts of PEM files. */
export interface TlsPem {
  /** The node's own certificate, good for its hosts as server and as client. */
  readonly cert: string;
  readonly key: string;
  /** Who signs certificates of nodes, and nobody else's. */
  readonly ca: string;
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
  const { keys, tls } = credentials;
  if (insecure || isLoopback(host) || keys.length > 0 || tls !== undefined) return;
  throw new Fault(
    "bad_request",
    `the control listener ${host}:${port} is not on loopback and nothing proves who dials it: set ` +
      "MIR_CONTROL_KEY on all nodes, or [security] tls_cert, tls_key and tls_ca, or bind it to 127.0.0.1, or set [security] insecure = true " +
      "where the network itself is trusted",
  );
}

/** What a failed TLS handshake is told as. */
export function tlsProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "no certificate";
  return `no TLS with a certificate of this mesh (${code})`;
}
