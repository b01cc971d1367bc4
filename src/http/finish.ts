/** The end of a listener that lets answers under way reach their clients whole (spec §8). */

import { DEADLINES } from "../base/deadlines.ts";
import { hasUnsent } from "./unsent.ts";

/** The part of `Bun.Server` that is used. */
interface Stopping {
  readonly pendingRequests: number;
  stop(): Promise<void>;
}

/**
 * Accepts no more from now on. Resolves when nothing is in flight, or after `finishMs`.
 *
 * The runtime's own `stop()` does not say that: it waits for connections that have never asked anything, and it
 * does not wait for a body from memory of which the kernel has only taken a part (both tried, Bun 1.4.5).
 */
export async function finishInFlight(
  server: Stopping,
  options: { readonly port: number | undefined; readonly finishMs: number },
): Promise<void> {
  const { port, finishMs } = options;
  let stopped = false;
  const done = server.stop().then(() => {
    stopped = true;
  });
  const quietTicks = Math.ceil(DEADLINES.drainQuietMs / DEADLINES.drainTickMs);
  const ticks = Math.ceil(finishMs / DEADLINES.drainTickMs);
  let quiet = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const busy = server.pendingRequests > 0 || (port !== undefined && hasUnsent(port));
    quiet = busy ? 0 : quiet + 1;
    if (!busy && (stopped || quiet > quietTicks)) return;
    await Promise.race([Bun.sleep(DEADLINES.drainTickMs), ...(stopped ? [] : [done])]);
  }
}
