/** Those who wait for a load, for as long as its image job waits: it leaves the queue with the last, and hurries with the first. */

import type { AskersOf, Context } from "./context.ts";
import type { Lead } from "./flight.ts";

/** To be disposed when the job has ended. Looks when the flight moves on, at the latest each `DEADLINES.flightTickMs`. */
export function watchAskers(
  lead: Lead,
  { later = false }: Pick<Context, "later">,
): ReturnType<AskersOf> {
  const gone = new AbortController();
  const hurry = new AbortController();
  let over = false;

  const watch = async (): Promise<void> => {
    while (!over) {
      const tick = lead.ticket.tick();
      const waits = lead.askers() > 0;
      if (later && waits) hurry.abort();
      if (!later && !waits) gone.abort();
      over ||= hurry.signal.aborted || gone.signal.aborted;
      if (!over) await lead.ticket.changed(tick);
    }
  };

  void watch();
  return {
    gone: gone.signal,
    hurry: hurry.signal,
    [Symbol.dispose]() {
      over = true;
    },
  };
}
