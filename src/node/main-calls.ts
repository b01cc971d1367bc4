/** Calls from a worker thread to main: both ends, with a bound on how many are under way. */

import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { FaultReport, MainCall, ToMain, ToWorker } from "./messages.ts";

export interface MainCaller {
  call(request: MainCall): Promise<unknown>;
  /** Hands in what main said; true when it was an answer to a call. */
  take(message: ToWorker): boolean;
}

/** The worker's end. Every call ends, because each has a deadline at main. */
export function makeMainCaller(send: (message: ToMain) => void): MainCaller {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  return {
    call(request) {
      if (waiting.size >= LIMITS.mainCallsMax) {
        return Promise.reject(
          new Fault("overloaded", "too much work waits", { retryAfterMs: 1000 }),
        );
      }
      const call = ++last;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(call, answer);
      send({ kind: "call", call, request });
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

/** Main's end: does the work and sends back how it ended. */
export async function answerCall(
  message: { readonly call: number; readonly request: MainCall },
  options: {
    readonly work: (request: MainCall) => Promise<unknown>;
    readonly send: (message: ToWorker) => void;
  },
): Promise<void> {
  const { call, request } = message;
  try {
    options.send({ kind: "answer", call, result: await options.work(request) });
  } catch (error) {
    options.send({ kind: "refusal", call, fault: reportOf(asFault(error)) });
  }
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
