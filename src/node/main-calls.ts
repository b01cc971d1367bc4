/** Calls from a worker thread to main: both ends, with a bound on how many are under way. */

import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { FaultReport, MainCall, Steering, ToMain, ToWorker } from "./messages.ts";

/** Signals of the caller; each is passed on once. */
export type Steer = Readonly<Partial<Record<Steering, AbortSignal | undefined>>>;

export interface MainCaller {
  call(request: MainCall, steer?: Steer): Promise<unknown>;
  /** Hands in what main said; true when it was an answer to a call. */
  take(message: ToWorker): boolean;
}

/** The worker's end. Every call ends, because each has a deadline at main. */
export function makeMainCaller(send: (message: ToMain) => void): MainCaller {
  const waiting = new TurnoverMap<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  return {
    call(request, steer = {}) {
      if (waiting.size >= LIMITS.mainCallsMax) {
        return Promise.reject(
          new Fault("overloaded", "too much work waits", { retryAfterMs: 1000 }),
        );
      }
      const call = ++last;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(call, answer);
      send({ kind: "call", call, request });
      for (const to of STEERINGS) {
        passOn(steer[to], answer.promise, () => send({ kind: "steer", call, to }));
      }
      return answer.promise;
    },
    take(message) {
      if (message.kind !== "answer" && message.kind !== "refusal") return false;
      const answer = waiting.get(message.call);
      waiting.delete(message.call);
      if (message.kind === "answer") answer?.resolve(message.result);
      else answer?.reject(faultOf(message.fault));
      return true;
    },
  };
}

const STEERINGS: readonly Steering[] = ["leave", "hurry"];

function passOn(signal: AbortSignal | undefined, work: Promise<unknown>, tell: () => void): void {
  if (signal === undefined) return;
  if (signal.aborted) {
    tell();
    return;
  }
  signal.addEventListener("abort", tell, { once: true });
  const end = (): void => signal.removeEventListener("abort", tell);
  work.then(end, end);
}

/** How the work of a call can be steered while it waits. */
export type Steered = Readonly<Record<Steering, AbortSignal>>;

/** Main's end of one worker's calls. */
export interface CallDesk {
  /** Does the work of a call and sends back how it ended, or passes on what is still said of one. */
  take(message: Extract<ToMain, { kind: "call" | "steer" }>): void;
  /** The worker has ended: nobody waits for what it called for. */
  close(): void;
}

export function makeCallDesk(options: {
  readonly work: (request: MainCall, steered: Steered) => Promise<unknown>;
  readonly send: (message: ToWorker) => void;
}): CallDesk {
  const { work, send } = options;
  /** Calls that are not answered yet; their number is bounded by the worker. */
  const open = new Map<number, Readonly<Record<Steering, AbortController>>>();

  const answer = async (call: number, request: MainCall): Promise<void> => {
    const controls = { leave: new AbortController(), hurry: new AbortController() };
    open.set(call, controls);
    const { leave, hurry } = controls;
    try {
      const result = await work(request, { leave: leave.signal, hurry: hurry.signal });
      send({ kind: "answer", call, result });
    } catch (error) {
      send({ kind: "refusal", call, fault: reportOf(asFault(error)) });
    } finally {
      open.delete(call);
    }
  };

  return {
    take(message) {
      if (message.kind === "call") void answer(message.call, message.request);
      else open.get(message.call)?.[message.to].abort();
    },
    close() {
      for (const { leave } of open.values()) leave.abort();
    },
  };
}

/** A Fault as plain data: classes do not cross threads. */
export function reportOf(fault: Fault): FaultReport {
  const { code, message, retryAfterMs } = fault;
  return { code, message, retryAfterMs };
}

export function faultOf(report: FaultReport): Fault {
  const { code, message, retryAfterMs } = report;
  return new Fault(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}
