/** A thread that leads one flight after the other, for tests whose own thread looks at them meanwhile. */

import { parentPort, workerData } from "node:worker_threads";
import { Fault } from "../../src/base/fault.ts";
import type { FlightHead } from "../../src/content/flight.ts";
import type { FlightMemory } from "../../src/content/flight-table.ts";
import { openFlights } from "../../src/content/flights.ts";

export interface FlightsOrder {
  readonly memory: FlightMemory;
  /** Of all flights, one after the other. */
  readonly key: string;
  /** Of each at its begin; the whole is `stored` at the end, and tells of no file. */
  readonly head: FlightHead;
  /** Number of the thread. */
  readonly worker: number;
  readonly flights: number;
}

/** Every third fails. */
function leadAll({ memory, key, head, worker, flights }: FlightsOrder): number {
  const table = openFlights(memory, worker);
  let led = 0;
  while (led < flights) {
    const entered = table.enter(key);
    if (entered.kind !== "lead") continue;
    const { lead } = entered;
    lead.begin(head);
    lead.progress(head.meta.bytes);
    if (led % 3 === 0) lead.fail(new Fault("too_slow", "the source stalled"));
    else lead.done({ ...head, temp: "", stored: true });
    led++;
  }
  return led;
}

parentPort?.postMessage(leadAll(workerData as FlightsOrder));
