/** What is told of the certificates that a node shows: whether they will be taken, and until when. */

import type { Credentials } from "../mesh/credentials.ts";
import type { Gauge } from "../observe/gauges.ts";
import type { Log } from "../observe/log.ts";
import type { Topology } from "../topology/topology.ts";
import { endOf, notItsOwn, outOfTime, untrusted } from "./credentials.ts";
import type { PublicTls } from "./public-tls.ts";

/** At a start: what makes every peer refuse this node. */
export function tellOfMeshCertificate(
  { tls: shown }: Credentials,
  parts: {
    readonly topology: { readonly security: Pick<Topology["security"], "tls"> };
    readonly self: Parameters<typeof notItsOwn>[0];
    readonly log: Log;
  },
): void {
  const { topology, self, log } = parts;
  const files = topology.security.tls;
  if (files === undefined || shown === undefined) return;
  const late = outOfTime(files, shown.cert);
  if (late !== undefined) log.error("tls.out_of_time", { why: late });
  const stranger = untrusted(files, shown);
  if (stranger !== undefined) log.error("tls.untrusted", { why: stranger });
  const others = notItsOwn(self, shown.cert);
  if (others === undefined) return;
  log.error("tls.not_its_own", { why: `tls_cert ${files.cert}: ${others}: its peers refuse it` });
}

/** The ends of those in use now. */
export function certificateGauges(shown: {
  readonly credentials: Credentials;
  readonly publicTls: Pick<PublicTls, "now">;
}): readonly Gauge[] {
  const { credentials, publicTls } = shown;
  const certs = [
    ["mesh", credentials.tls?.cert] as const,
    ["public", publicTls.now?.cert] as const,
  ];
  return certs.flatMap(([certificate, cert]): Gauge[] =>
    cert === undefined
      ? []
      : [{ name: "certificate_expiry_seconds", labels: { certificate }, value: endOf(cert) }],
  );
}
