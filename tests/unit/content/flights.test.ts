/** Flights: one load a name for all workers of a node. */

import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Fault } from "../../../src/base/fault.ts";
import type { FlightHead, FlightView } from "../../../src/content/flight.ts";
import { createFlightMemory } from "../../../src/content/flight-table.ts";
import { abandonFlights, openFlights } from "../../../src/content/flights.ts";
import type { FlightsOrder } from "../../support/flights.worker.ts";

const head: FlightHead = {
  meta: {
    relname: "ab/cd/ef/md/abcdef.jpg",
    bytes: 100,
    validator: "0123456789abcdef",
    modified: 1,
    facts: { width: 4, height: 3, alpha: false, animated: false },
    lossySteps: 1,
  },
  source: "upstream",
  via: "mir-regional; hit",
  temp: "/nowhere",
  stored: false,
};

function lead(flights: ReturnType<typeof openFlights>, key: string) {
  const entered = flights.enter(key);
  if (entered.kind !== "lead") throw new Error(`expected to lead, got ${entered.kind}`);
  return entered.lead;
}

function join(flights: ReturnType<typeof openFlights>, key: string) {
  const entered = flights.enter(key);
  if (entered.kind !== "joined") throw new Error(`expected to join, got ${entered.kind}`);
  return entered.ticket;
}

describe("flights", () => {
  test("the first asker leads, askers on other workers join", () => {
    const memory = createFlightMemory(4);
    const held = lead(openFlights(memory, 1), "a");
    const ticket = join(openFlights(memory, 2), "a");
    expect(ticket.look()).toEqual({ kind: "opening" });
    held.begin(head);
    held.progress(40);
    expect(ticket.look()).toEqual({ kind: "filling", head, bytes: 40 });
    held.done({ ...head, stored: true });
    expect(ticket.look()).toEqual({ kind: "done", head: { ...head, stored: true } });
  });

  test("another name is another flight, and an ended one can be led again", () => {
    const flights = openFlights(createFlightMemory(4), 1);
    const held = lead(flights, "a");
    lead(flights, "b");
    held.done(head);
    lead(flights, "a");
  });

  test("a failure reaches every asker with its code and its time to retry", () => {
    const memory = createFlightMemory(4);
    const held = lead(openFlights(memory, 1), "a");
    const ticket = join(openFlights(memory, 2), "a");
    held.fail(new Fault("overloaded", "too much", { retryAfterMs: 700 }));
    const view = ticket.look();
    if (view.kind !== "failed") throw new Error(view.kind);
    expect(view.fault).toMatchObject({
      code: "overloaded",
      message: "too much",
      retryAfterMs: 700,
    });
  });

  test("waiters on the same worker share one wait and wake on progress", async () => {
    const memory = createFlightMemory(4);
    const held = lead(openFlights(memory, 1), "a");
    const ticket = join(openFlights(memory, 2), "a");
    const tick = ticket.tick();
    const woken = Promise.all([ticket.changed(tick), ticket.changed(tick)]);
    held.begin(head);
    await woken;
    expect(ticket.look().kind).toBe("filling");
    expect(await ticket.changed(tick)).toBeUndefined();
  });

  test("who looks at the same is told with the same head, until something changes", () => {
    const memory = createFlightMemory(4);
    const held = lead(openFlights(memory, 1), "a");
    const worker = openFlights(memory, 2);
    const [one, other] = [join(worker, "a"), join(worker, "a")];
    held.begin(head);
    expect(other.look()).toBe(one.look());
    held.progress(40);
    expect(other.look()).toEqual({ kind: "filling", head, bytes: 40 });
    expect(one.look()).toBe(other.look());
    held.done({ ...head, stored: true });
    expect(one.look()).toEqual({ kind: "done", head: { ...head, stored: true } });
  });

  test("a full table says so instead of growing", () => {
    const flights = openFlights(createFlightMemory(2), 1);
    lead(flights, "a");
    lead(flights, "b");
    expect(flights.enter("c").kind).toBe("full");
  });

  test("a late reader of a record that serves another flight finds its own lost", () => {
    const flights = openFlights(createFlightMemory(1), 1);
    const first = lead(flights, "a");
    first.done(head);
    lead(flights, "b");
    expect(first.ticket.look()).toEqual({ kind: "lost" });
  });

  test("flights of a dead worker are lost, those of others go on", () => {
    const memory = createFlightMemory(4);
    const dead = lead(openFlights(memory, 1), "a");
    const alive = lead(openFlights(memory, 2), "b");
    expect(abandonFlights(memory, 1)).toBe(1);
    expect(dead.ticket.look()).toEqual({ kind: "lost" });
    expect(alive.ticket.look()).toEqual({ kind: "opening" });
    lead(openFlights(memory, 2), "a");
  });

  test("who looks from another thread just as one ends sees its begin or its end, nothing in between", async () => {
    const flights = 20_000;
    const order: FlightsOrder = {
      memory: createFlightMemory(4),
      key: "a",
      head,
      worker: 1,
      flights,
    };
    const thread = new Worker(new URL("../../support/flights.worker.ts", import.meta.url), {
      workerData: order,
    });
    let led: unknown;
    const ended = once(thread, "message").then(([told]) => {
      led = told;
    });
    const here = openFlights(order.memory, 2);
    const seen: Record<FlightView["kind"], number> = {
      ...{ opening: 0, filling: 0, done: 0, failed: 0, solo: 0, lost: 0 },
    };
    while (led === undefined) {
      for (let looks = 0; looks < 500; looks++) {
        const entered = here.enter("a");
        if (entered.kind === "lead") entered.lead.abandon();
        else if (entered.kind === "joined") seen[checked(entered.ticket.look())]++;
      }
      await new Promise(setImmediate);
    }
    await ended;
    expect(led).toBe(flights);
    expect(seen.filling).toBeGreaterThan(100);
    expect(seen.done).toBeGreaterThan(0);
    expect(seen.failed).toBeGreaterThan(0);
  });
});

function checked(view: FlightView): FlightView["kind"] {
  if (view.kind === "filling") expect(view.head).toEqual(head);
  if (view.kind === "done") expect(view.head).toEqual({ ...head, temp: "", stored: true });
  if (view.kind === "failed") expect(view.fault.code).toBe("too_slow");
  return view.kind;
}
