/** A request as its handler sees it. */

import type { CallOff } from "../base/call-off.ts";
import type { Ask } from "../wire/messages.ts";
import type { AskFromPeer } from "./peer.ts";

export class IncomingAsk implements AskFromPeer {
  readonly relname: string;
  readonly role: "owner" | "local";
  readonly deadlineMs: number;
  readonly hops: number;
  readonly head: boolean | undefined;
  readonly facts: boolean | undefined;
  readonly list: boolean | undefined;
  readonly copy: boolean | undefined;
  readonly standIn: boolean | undefined;
  readonly offset: number | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly originalExt: string | undefined;
  readonly trace: string | undefined;
  readonly traceparent: string | undefined;
  readonly timed: boolean | undefined;
  readonly peer: string;
  readonly legacy: boolean;
  readonly #callOff: CallOff;

  constructor(
    ask: Ask,
    from: { readonly peer: string; readonly legacy: boolean; readonly callOff: CallOff },
  ) {
    this.relname = ask.relname;
    this.role = ask.role;
    this.deadlineMs = ask.deadlineMs;
    this.hops = ask.hops;
    this.head = ask.head;
    this.facts = ask.facts;
    this.list = ask.list;
    this.copy = ask.copy;
    this.standIn = ask.standIn;
    this.offset = ask.offset;
    this.ifNoneMatch = ask.ifNoneMatch;
    this.originalExt = ask.originalExt;
    this.trace = ask.trace;
    this.traceparent = ask.traceparent;
    this.timed = ask.timed;
    this.peer = from.peer;
    this.legacy = from.legacy;
    this.#callOff = from.callOff;
  }

  /** Few handlers look at it, so it is only made for those. */
  get signal(): AbortSignal {
    return this.#callOff.signal;
  }
}
