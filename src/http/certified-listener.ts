/** A public listener whose certificate can be replaced while it serves. */

import { DEADLINES } from "../base/deadlines.ts";
import {
  type PublicListenerOptions,
  type RunningListener,
  type ServerPem,
  startPublicListener,
} from "./public-listener.ts";

export interface CertifiedListener extends RunningListener {
  /**
   * New connections get this certificate; those that are open keep theirs until they end, or `drainFinishMs` is
   * over. One after the other. Rejects with a Fault when it cannot be used; the one before stays then.
   */
  certify(tls: ServerPem): Promise<void>;
}

/**
 * Bun cannot change the certificate of a running server (bun-facts §3), so another one joins it on its port
 * (SO_REUSEPORT) before it stops. A connection that reaches the old one in its last microseconds is reset, unless
 * net.ipv4.tcp_migrate_req is 1. Of a listener without TLS `certify` does nothing.
 */
export async function startCertifiedListener(
  options: PublicListenerOptions,
): Promise<CertifiedListener> {
  const first = await startPublicListener(options);
  let current = first;
  let stopped = false;
  let replacing: Promise<void> = Promise.resolve();
  const endings = new Set<Promise<void>>();

  const replace = async (tls: ServerPem): Promise<void> => {
    if (stopped || options.tls === undefined || first.port === undefined) return;
    const before = current;
    current = await startPublicListener({ ...options, port: first.port, tls });
    // what the kernel has queued for the old one is reset when it closes: starting took a while, so it catches up
    await Bun.sleep(DEADLINES.certifyCatchUpMs);
    const ending = before.stop(true).finally(() => endings.delete(ending));
    endings.add(ending);
  };

  return {
    address: first.address,
    port: first.port,
    certify(tls) {
      const turn = replacing.then(() => replace(tls));
      replacing = turn.catch(() => undefined);
      return turn;
    },
    async stop(graceful) {
      stopped = true;
      await replacing;
      await Promise.all([current.stop(graceful), ...endings]);
    },
  };
}
