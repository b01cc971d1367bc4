/** One request of a peer, from the question to the last byte of the answer. */

import type { CallOff } from "../base/call-off.ts";
import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import { traceIdOf } from "../observe/trace.ts";
import { answerHeader, encodeError, encodeSaveHead } from "../wire/encode.ts";
import type { Ask } from "../wire/messages.ts";
import type { MeshDeadlines } from "./alarm.ts";
import { IncomingAsk } from "./incoming-ask.ts";
import type { Outgoing } from "./outgoing.ts";
import type { PeerAnswer, PeerHandler } from "./peer.ts";
import type { Pulse } from "./pulse.ts";
import { type AnswerToSend, sendAnswer } from "./send-answer.ts";
import { discard, openSource, type Source } from "./source.ts";

export interface ServeOptions {
  readonly ask: Ask;
  readonly peer: string;
  readonly legacy: boolean;
  /** Called by the session when the asker has gone, and here at the deadline. */
  readonly callOff: CallOff;
  readonly handler: PeerHandler;
  readonly out: Outgoing;
  readonly pulse: Pulse;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  readonly log: Log;
}

/**
 * Whether the connection is still good for the next request. Rejects when the answer broke off inside its
 * frame: then only terminating the connection tells the asker.
 */
export async function serveAsk(options: ServeOptions): Promise<"keep" | "close"> {
  const { ask, legacy, callOff, out, clock, pulse } = options;
  pulse.begin(clock.monotonicMs() + ask.deadlineMs, () => {
    callOff.call(new Fault("too_slow", "the answer did not begin in time"));
  });
  let begun = false;
  const write = (bytes: Uint8Array): Promise<void> | undefined => {
    if (begun) return out.write(bytes);
    begun = true;
    return pulse.writeAfter(bytes);
  };
  try {
    const answer = await answered(options);
    const prepared = prepare(ask, answer, legacy);
    const { source } = prepared;
    try {
      const sending = sendAnswer(prepared, write);
      if (sending !== undefined) {
        callOff.hear(() => source?.close());
        await sending;
      }
    } catch (error) {
      // a small file shows its length only when it is read
      if (!begun && answer.send.kind === "file") answer.spoiled?.();
      throw error;
    } finally {
      callOff.deafen();
      source?.close();
    }
    return "keep";
  } catch (error) {
    if (begun) throw error;
    const refusal = refusalOf(asFault(error), options);
    if (refusal === undefined) return "close";
    await write(refusal);
    return "keep";
  } finally {
    pulse.end();
  }
}

/** The handler's answer; what comes after the asker has gone or the deadline has passed is given back. */
function answered(options: ServeOptions): Promise<PeerAnswer> {
  const { ask, handler, peer, legacy, callOff } = options;
  if (ask.hops > LIMITS.hopsMax) {
    throw new Fault("no_origin", "the request has passed too many nodes; two topologies disagree");
  }
  return new Promise((resolve, reject) => {
    callOff.hear(reject);
    handler(new IncomingAsk(ask, { peer, legacy, callOff })).then((answer) => {
      callOff.deafen();
      if (callOff.reason === undefined) resolve(answer);
      else discard(answer.send);
    }, reject);
  });
}

/** Throws a Fault when the answer cannot be sent as asked; then nothing of it is left open. */
function prepare(ask: Ask, answer: PeerAnswer, legacy: boolean): AnswerToSend {
  const { meta, send } = answer;
  const { offset = 0 } = ask;
  const extended = !legacy;
  if (extended && (send.kind === "none" || isHeadOnly(ask, answer))) {
    discard(send);
    const header = answerHeader({ ...answer, offset: 0, head: true });
    return { head: encodeSaveHead(header, 0), bytes: 0, source: undefined, extended };
  }
  if (offset > meta.bytes) {
    discard(send);
    throw new Fault("range_not_satisfiable", `the variant has ${meta.bytes} bytes`);
  }
  const source = openedSource(answer, offset);
  const bytes = meta.bytes - offset;
  const header = legacy
    ? { relname: meta.relname }
    : answerHeader({ ...answer, offset, head: false });
  return { head: encodeSaveHead(header, bytes), bytes, source, extended };
}

function openedSource(answer: PeerAnswer, offset: number): Source {
  try {
    return openSource(answer, offset);
  } catch (error) {
    if (answer.send.kind === "file") answer.spoiled?.();
    throw error;
  }
}

function isHeadOnly(ask: Ask, answer: PeerAnswer): boolean {
  return ask.head === true || ask.facts === true || ask.ifNoneMatch === answer.meta.validator;
}

/** undefined when only closing the connection can tell it: a legacy peer knows no errors (spec §3). */
function refusalOf(fault: Fault, options: ServeOptions): Uint8Array | undefined {
  const { ask, legacy, log, peer } = options;
  if (fault.code === "internal")
    log.error("peer request failed", {
      ...{ peer, relname: ask.relname, fault },
      ...traceIdOf(ask.traceparent),
    });
  if (!legacy) {
    const { code, retryAfterMs } = fault;
    return encodeError({ code, retryAfterMs: wholeMs(retryAfterMs) });
  }
  return fault.code === "not_found" ? encodeSaveHead({ relname: ask.relname }, 0) : undefined;
}

/** As messages carry it. */
export function wholeMs(ms: number | undefined): number | undefined {
  return ms === undefined
    ? undefined
    : Math.min(Math.max(0, Math.ceil(ms)), LIMITS.wireMillisecondsMax);
}
