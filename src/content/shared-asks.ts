/** Requests of one worker for one variant that another node has are one request to it, whose answer goes to all. */

import type { Body } from "../base/body.ts";
import { CallOff } from "../base/call-off.ts";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { type Wait, waitAbout } from "../base/wait-about.ts";
import type { Counters } from "../observe/counters.ts";
import { spanOf } from "../observe/trace.ts";
import type { Context } from "./context.ts";
import type { Served } from "./served.ts";
import { makeSharedRoom, SharedBody, type SharedBodyOptions } from "./shared-body.ts";
import { leaveAtEnd } from "./waiters.ts";

export interface SharedAsks {
  /**
   * What `run` comes to, which is called unless a request with this key is under way. Rejects with its Fault,
   * or `too_slow` at the asker's own deadline.
   */
  ask(parts: Watched, key: string, asker: Asker): Promise<Served>;
  /** Keys under way. */
  readonly size: number;
}

interface Watched {
  readonly clock: Clock;
  readonly counters: Counters;
}

export interface Asker {
  readonly context: Context;
  /** For all who ask: the signal is aborted when none of them waits any more. */
  run(signal: () => AbortSignal): Promise<Served>;
  /** The rest of a body that `run` brought, for a reader that was left behind. */
  goOn(served: Served, offset: number): Promise<Body>;
}

/** Somebody who waits for the answer. */
interface Seat {
  readonly answer: PromiseWithResolvers<Served>;
  readonly collapsed: boolean;
  /** Until its own deadline. */
  late: Wait | undefined;
  /** Until it is looked whether the client is still there. */
  look: Wait | undefined;
}

interface Asking {
  /** Who waits; undefined once the answer is there. */
  seats: Set<Seat> | undefined;
  body: SharedBody | undefined;
  served: Served | undefined;
  /** None of those who asked waits any more. */
  readonly callOff: CallOff;
  /** Somebody reads the same already: more will come, and are let in. */
  readonly sought: boolean;
}

/** In memory, so that nothing is kept of what is another node's (spec §1 step 3). */
export function makeSharedAsks(): SharedAsks {
  const room = makeSharedRoom();
  const under = new TurnoverMap<string, Asking>();

  const forget = (key: string, asking: Asking): void => {
    if (under.get(key) === asking) under.delete(key);
  };

  const begin = (key: string, asker: Asker): Asking => {
    const sought = under.has(key);
    const callOff = new CallOff();
    const asking: Asking = {
      seats: new Set(),
      body: undefined,
      served: undefined,
      callOff,
      sought,
    };
    under.set(key, asking);
    asker
      .run(() => callOff.signal)
      .then(
        (served) => {
          const closed = (): void => forget(key, asking);
          if (served.kind !== "stream") closed();
          handOut(asking, { served, room, closed, goOn: (offset) => asker.goOn(served, offset) });
        },
        (error: unknown) => {
          forget(key, asking);
          for (const seat of takeSeats(asking)) seat.answer.reject(asFault(error));
        },
      );
    return asking;
  };

  /** Unless it has its answer. */
  const leave = (key: string, asking: Asking, seat: Seat, fault: Fault): void => {
    if (asking.seats?.delete(seat) !== true) return;
    stand(seat);
    seat.answer.reject(fault);
    if (asking.seats.size > 0) return;
    forget(key, asking);
    asking.callOff.call(fault);
  };

  return {
    ask({ clock, counters }, key, asker) {
      const { context } = asker;
      const known = under.get(key);
      const joins = known !== undefined && (known.seats !== undefined || known.body !== undefined);
      if (joins) counters.add("flight_joined");
      if (joins && known.body !== undefined && known.served !== undefined) {
        const body = known.body.attach();
        if (body !== undefined) {
          return Promise.resolve({ ...handed(known.served, true), kind: "stream", body });
        }
      }
      const leftMs = context.deadlineAt - clock.monotonicMs();
      if (leftMs <= 0) return Promise.reject(tooSlow());
      const asking = joins && known.seats !== undefined ? known : begin(key, asker);
      const collapsed = asking === known;
      const seat: Seat = {
        answer: Promise.withResolvers(),
        collapsed,
        late: waitAbout(leftMs, () => leave(key, asking, seat, tooSlow())),
        look: undefined,
      };
      asking.seats?.add(seat);
      const { signal } = context;
      if (signal !== undefined) {
        seat.look = waitAbout(DEADLINES.goneLookMs, () =>
          whenAborted(signal(), () => leave(key, asking, seat, goneAway())),
        );
      }
      const { promise } = seat.answer;
      // who began it has the spans of it
      return collapsed ? spanOf(context.tracing, "joined", () => promise) : promise;
    },
    get size() {
      return under.size;
    },
  };
}

type HandOut = Pick<SharedBodyOptions, "room" | "goOn"> & {
  readonly served: Served;
  /** Nobody can join any more. */
  readonly closed: () => void;
};

/** Gives the answer to all who wait for it. */
function handOut(asking: Asking, { served, room, closed, goOn }: HandOut): void {
  const seats = takeSeats(asking);
  if (served.kind !== "stream") {
    for (const seat of seats) seat.answer.resolve(handed(served, seat.collapsed));
    return;
  }
  const [first, ...others] = seats;
  if (first === undefined) {
    closed();
    served.body.cancel();
    return;
  }
  if (others.length === 0 && !asking.sought) {
    // for one alone nothing is copied; who comes meanwhile is told that it is sought
    first.answer.resolve({ ...served, body: leaveAtEnd(served.body, closed) });
    return;
  }
  const windowBytes = LIMITS.sharedBodyBytesMax;
  const shared = new SharedBody({ source: served.body, room, windowBytes, goOn, onClosed: closed });
  asking.body = shared;
  asking.served = served;
  for (const { answer, collapsed } of seats) {
    const body = shared.attach();
    if (body !== undefined) answer.resolve({ ...handed(served, collapsed), kind: "stream", body });
  }
}

/** They have their answer: nothing else ends their wait. */
function takeSeats(asking: Asking): readonly Seat[] {
  const seats = [...(asking.seats ?? [])];
  asking.seats = undefined;
  for (const seat of seats) stand(seat);
  return seats;
}

function stand(seat: Seat): void {
  seat.late?.end();
  seat.look?.end();
}

function whenAborted(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true });
}

function tooSlow(): Fault {
  return new Fault("too_slow", "the answer did not begin in time");
}

function goneAway(): Fault {
  return new Fault("abandoned", "whoever asked has gone");
}

function handed(served: Served, collapsed: boolean): Served {
  return collapsed ? { ...served, outcome: { ...served.outcome, collapsed } } : served;
}
