/** Joining and leading flights from one worker. */

import { DEADLINES } from "../base/deadlines.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { FlightView, Lead, Ticket } from "./flight.ts";
import { type FlightMemory, FlightTable } from "./flight-table.ts";

export type Entered =
  | { readonly kind: "lead"; readonly lead: Lead }
  | { readonly kind: "joined"; readonly ticket: Ticket }
  | { readonly kind: "full" };

export interface Flights {
  /** Joins the load of `key` if any worker has one under way, else makes this worker its holder. */
  enter(key: string): Entered;
}

export function openFlights(memory: FlightMemory, worker: number): Flights {
  const table = new FlightTable(memory);
  const ticketOf = makeTickets(table, worker);
  return {
    enter(key) {
      const entered = table.enter(key, worker);
      if (entered === undefined) return { kind: "full" };
      const ticket = ticketOf(entered.at, entered.serial);
      if (!entered.mine) return { kind: "joined", ticket };
      return { kind: "lead", lead: makeLead(table, entered.at, ticket) };
    },
  };
}

/** Main thread: gives up what a dead worker was loading; returns how many flights were lost. */
export function abandonFlights(memory: FlightMemory, worker: number): number {
  return new FlightTable(memory).abandon(worker);
}

function makeLead(table: FlightTable, at: number, ticket: Ticket): Lead {
  return {
    ticket,
    begin: (head) => table.begin(at, head),
    progress: (bytes) => table.setProgress(at, bytes),
    done: (head) => table.end(at, "done", head),
    fail({ code, message, retryAfterMs }) {
      table.end(at, "failed", { code, message: message.slice(0, 300), retryAfterMs });
    },
    solo: () => table.end(at, "solo"),
    abandon: () => table.end(at, "lost"),
    askers: () => table.askers(at),
  };
}

interface Look {
  readonly at: number;
  readonly serial: number;
  readonly tick: number;
  readonly view: FlightView;
}

/** One `waitAsync` a worker and flight, shared by all its askers: each wait costs and may leak (spikes B). */
function makeTickets(table: FlightTable, worker: number): (at: number, serial: number) => Ticket {
  const waits = new TurnoverMap<number, Promise<void>>();
  const changed = (index: number, tick: number): Promise<void> => {
    const pending = waits.get(index);
    if (pending !== undefined) return pending;
    const wait = Atomics.waitAsync(table.words, index, tick, DEADLINES.flightTickMs);
    if (!wait.async) return Promise.resolve();
    const woken = wait.value.then(() => {
      waits.delete(index);
    });
    waits.set(index, woken);
    return woken;
  };
  let last: Look | undefined;
  /** A crowd looks at the same in one turn: read once, and told with the same meta (bench/flood.ts). */
  const look = (at: number, serial: number): FlightView => {
    // before the view: what changes meanwhile has another tick, or will have
    const tick = Atomics.load(table.words, table.tickIndex(at));
    if (last?.at === at && last.serial === serial && last.tick === tick) return last.view;
    last = { at, serial, tick, view: table.view(at, serial) };
    return last.view;
  };
  return (at, serial) => {
    const index = table.tickIndex(at);
    return {
      tick: () => Atomics.load(table.words, index),
      look: () => look(at, serial),
      changed: (tick) => changed(index, tick),
      wait() {
        table.addAskers({ at, serial }, 1, worker);
        return { [Symbol.dispose]: () => table.addAskers({ at, serial }, -1, worker) };
      },
    };
  };
}
