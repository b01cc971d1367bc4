/** Whose certificate a peer has shown (spec §3 "Authentication"). */

import type { X509Certificate } from "node:crypto";
import type { Socket } from "bun";
import { AuthRefused } from "./auth.ts";

/** What is asked of a certificate that the CA of the mesh has signed. */
export interface Certificate {
  /** `CN=edge-1`, for people. */
  readonly subject: string;
  /** Whether it names the node: as its CN, or as one of the DNS names it is good for. */
  names(node: string): boolean;
}

/** After the handshake of a TLS connection. */
export function certificateOf(socket: Pick<Socket, "getPeerX509Certificate">): Certificate {
  const shown = socket.getPeerX509Certificate();
  return {
    subject: shown.subject.replaceAll("\n", ", "),
    names: (node) => isFor(node, shown),
  };
}

/** Whether a certificate makes who shows it that node. */
export function isFor(node: string, certificate: Pick<X509Certificate, "checkHost">): boolean {
  // by the library, since names in the text form of a certificate may be made to look like others
  return certificate.checkHost(node, { subject: "always", wildcards: false }) !== undefined;
}

/** Throws AuthRefused when the peer says that it is another node than its certificate is for. */
export function refuseOthersName(name: string, shown: Certificate | undefined): void {
  if (shown?.names(name) === true) return;
  const whose = shown === undefined ? "no certificate" : `the certificate of ${shown.subject}`;
  throw new AuthRefused(
    `${name} shows ${whose}: the name of a node must be the CN or a DNS name of its certificate`,
  );
}
