/** Who waits for a load, over all workers: its image job leaves the queue with the last of them, and hurries with the first. */

import { describe, expect, test } from "bun:test";
import { createFlightMemory } from "../../../src/content/flight-table.ts";
import { openFlights } from "../../../src/content/flights.ts";
import { watchAskers } from "../../../src/content/watch-askers.ts";

function begin() {
  const memory = createFlightMemory(4);
  const entered = openFlights(memory, 1).enter("a");
  if (entered.kind !== "lead") throw new Error("not led");
  const join = () => {
    const joined = openFlights(memory, 2).enter("a");
    if (joined.kind !== "joined") throw new Error("not joined");
    return joined.ticket;
  };
  return { lead: entered.lead, join, memory };
}

const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener("abort", () => resolve());
  });

describe("askers", () => {
  test("are counted over all workers, each for as long as it waits", () => {
    const { lead, join } = begin();
    const first = lead.ticket.wait();
    const second = join().wait();
    expect(lead.askers()).toBe(2);
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    expect(lead.askers()).toBe(0);
  });

  test("one that leaves late does not count for the next load of the name", () => {
    const { lead, memory } = begin();
    const late = lead.ticket.wait();
    lead.abandon();
    for (let i = 0; i < 4; i++) {
      const again = openFlights(memory, 1).enter(`a${i}`);
      if (again.kind !== "lead") throw new Error("not led");
      again.lead.ticket.wait();
      late[Symbol.dispose]();
      expect(again.lead.askers()).toBe(1);
    }
  });

  test("who joined what was abandoned looks again", () => {
    const { lead, join } = begin();
    const ticket = join();
    lead.abandon();
    expect(ticket.look()).toEqual({ kind: "lost" });
  });
});

describe("a load", () => {
  test("is told when nobody waits for it any more, not before", async () => {
    const { lead, join } = begin();
    const first = lead.ticket.wait();
    const second = join().wait();
    using watch = watchAskers(lead, {});
    first[Symbol.dispose]();
    await lead.ticket.changed(lead.ticket.tick());
    expect(watch.gone?.aborted).toBe(false);
    second[Symbol.dispose]();
    await aborted(watch.gone);
    expect(watch.hurry?.aborted).toBe(false);
  });

  test("for later is told when somebody waits for it now, and goes on without anybody", async () => {
    const { lead, join } = begin();
    using watch = watchAskers(lead, { later: true });
    await lead.ticket.changed(lead.ticket.tick());
    expect([watch.gone?.aborted, watch.hurry?.aborted]).toEqual([false, false]);
    const asker = join().wait();
    await aborted(watch.hurry);
    asker[Symbol.dispose]();
    await lead.ticket.changed(lead.ticket.tick());
    expect(watch.gone?.aborted).toBe(false);
  });
});
