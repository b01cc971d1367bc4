/** The certificate of public listeners, read again when the node is told to reload. */

import { asFault, Fault } from "../base/fault.ts";
import type { ServerPem } from "../http/public-listener.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { CertificateFiles } from "../topology/topology.ts";
import { outOfTime, readPublicTls } from "./credentials.ts";

export interface PublicTls {
  readonly now: ServerPem | undefined;
  /** Reads the files again; never throws: one that cannot be used is told, and nothing changes. */
  reread(certify: (tls: ServerPem) => void): void;
}

/** Throws a Fault that says which file cannot be used and why. */
export function openPublicTls(
  files: CertificateFiles | undefined,
  parts: { readonly counters: Counters; readonly log: Log },
): PublicTls {
  const { counters, log } = parts;
  let now = files === undefined ? undefined : readPublicTls(files);
  const late = files && now && outOfTime(files, now.cert);
  if (late !== undefined) log.error("tls.out_of_time", { why: late });
  return {
    get now() {
      return now;
    },
    reread(certify) {
      if (files === undefined) return;
      try {
        const next = readPublicTls(files);
        if (next.cert === now?.cert && next.key === now.key) return;
        refuseOutOfTime(files, { next, now });
        now = next;
      } catch (error) {
        counters.add("reload_refused");
        const effect = "the certificate from before stays in use";
        log.error("tls.refused", { error: asFault(error), effect });
        return;
      }
      certify(now);
      log.info("tls.replaced", { cert: files.cert });
    },
  };
}

/** Where the one in use is good, a renewal that went wrong must not end that. */
function refuseOutOfTime(
  files: CertificateFiles,
  { next, now }: { readonly next: ServerPem; readonly now: ServerPem | undefined },
): void {
  const late = outOfTime(files, next.cert);
  if (late === undefined) return;
  const inUse = now && outOfTime(files, now.cert);
  if (inUse === undefined) throw new Fault("bad_request", late);
}
