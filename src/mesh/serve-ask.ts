/** One request of a peer, from the question to the last byte of the answer. */

import type { CallOff } from "../base/call-off.ts";
import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../observe/log.ts";
import { traceIdOf } from "../observe/trace.ts";
import { answerHeader, encodeError, encodeSaveHead } from "../wire/encode.ts";
import type { Ask } from "../wire/messages.ts";
import { IncomingAsk } from "./incoming-ask.ts";
import type { Outgoing } from "./outgoing.ts";
import type { PeerAnswer, PeerHandler } from "./peer.ts";
import type { Pulse } from "./pulse.ts";
import { type AnswerToSend, sendAnswer } from "./send-answer.ts";
import { discard, openSource, type Source, SpoiledFile } from "./source.ts";

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
  readonly log: Log;
}

/** Whether the connection is still good for the next request. */
type After = "keep" | "close";

/** Writes an answer; `begun` once anything of it has been said. */
class Saying {
  readonly #options: Pick<ServeOptions, "out" | "pulse">;
  begun = false;

  constructor(options: Pick<ServeOptions, "out" | "pulse">) {
    this.#options = options;
  }

  readonly write = (bytes: Uint8Array): Promise<void> | undefined => {
    const { out, pulse } = this.#options;
    if (this.begun) return out.write(bytes);
    this.begun = true;
    return pulse.writeAfter(bytes);
  };
}

/**
 * What is at hand is sent before it returns, and no promise is made for it (bench/versus/peer-stream.ts). Throws or
 * rejects when the answer broke off inside its frame: then only terminating the connection tells the asker.
 */
export function serveAsk(options: ServeOptions): After | Promise<After> {
  const saying = new Saying(options);
  let sending: Promise<void> | undefined;
  try {
    const answer = asked(options);
    // a body that is still coming needs a pulse before its first bytes
    if (answer instanceof Promise) return serveLate(options, answer, saying);
    if (answer.send.kind === "body") return serveLate(options, Promise.resolve(answer), saying);
    sending = send(options, answer, saying);
  } catch (error) {
    if (saying.begun) throw error;
    return refuse(options, error, saying);
  }
  return sending === undefined ? "keep" : ended(options, sending, saying);
}

async function serveLate(
  options: ServeOptions,
  answering: Promise<PeerAnswer>,
  saying: Saying,
): Promise<After> {
  const { ask, callOff, clock, pulse } = options;
  pulse.begin(clock.monotonicMs() + ask.deadlineMs, () => {
    callOff.call(new Fault("too_slow", "the answer did not begin in time"));
  });
  const sending = wanted(answering, callOff).then((answer) => send(options, answer, saying));
  return ended(options, sending, saying);
}

async function ended(
  options: ServeOptions,
  sending: Promise<void>,
  saying: Saying,
): Promise<After> {
  try {
    await sending;
    return "keep";
  } catch (error) {
    if (saying.begun) throw error;
    return await refuse(options, error, saying);
  } finally {
    options.pulse.end();
  }
}

/** undefined when all of it has been taken at once. Throws or rejects as `sendAnswer`. */
function send(
  { ask, legacy, callOff }: ServeOptions,
  answer: PeerAnswer,
  saying: Saying,
): Promise<void> | undefined {
  const prepared = prepare(ask, answer, legacy);
  const { source } = prepared;
  const close = (): void => {
    callOff.deafen();
    source?.close();
  };
  const failed = (error: unknown): never => {
    close();
    const isSpoiled = !saying.begun || error instanceof SpoiledFile;
    // a small file shows its length only when it is read, any file its digest
    if (isSpoiled && answer.send.kind === "file") answer.spoiled?.();
    throw error;
  };
  let sending: Promise<void> | undefined;
  try {
    sending = sendAnswer(prepared, saying.write);
  } catch (error) {
    return failed(error);
  }
  if (sending === undefined) {
    close();
    return undefined;
  }
  callOff.hear(() => source?.close());
  return sending.then(close, failed);
}

function refuse(options: ServeOptions, error: unknown, saying: Saying): After | Promise<After> {
  const refusal = refusalOf(asFault(error), options);
  if (refusal === undefined) return "close";
  const writing = saying.write(refusal);
  return writing === undefined ? "keep" : writing.then(() => "keep");
}

/** The handler's answer. */
function asked({
  ask,
  handler,
  peer,
  legacy,
  callOff,
}: ServeOptions): PeerAnswer | Promise<PeerAnswer> {
  if (ask.hops > LIMITS.hopsMax) {
    throw new Fault("no_origin", "the request has passed too many nodes; two topologies disagree");
  }
  return handler(new IncomingAsk(ask, { peer, legacy, callOff }));
}

/** What comes after the asker has gone or the deadline has passed is given back. */
function wanted(answering: Promise<PeerAnswer>, callOff: CallOff): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    callOff.hear(reject);
    answering.then((answer) => {
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
  const { spoiled } = answer;
  return { head: encodeSaveHead(header, bytes), bytes, source, extended, spoiled };
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
