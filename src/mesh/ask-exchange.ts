/** One request to a peer: the question, then the answer with its body or a refusal. */

import type { CallOff } from "../base/call-off.ts";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import type { Piece } from "../wire/decode.ts";
import { encodeAsk } from "../wire/encode.ts";
import type { Ask, End, SaveHeader } from "../wire/messages.ts";
import { acceptAnswer, refusalOf } from "./accept-answer.ts";
import type { MeshDeadlines } from "./alarm.ts";
import { type Exchange, type Line, type Progress, patience } from "./exchange.ts";
import { type Flow, IncomingBody } from "./incoming-body.ts";
import { type LargePlace, NotItsTurn } from "./large-share.ts";
import type { PeerReply } from "./peer.ts";
import type { Traffic } from "./traffic.ts";

export interface AskOptions {
  readonly peer: string;
  readonly ask: Ask;
  /** Of the answer's begin, on the monotonic clock. */
  readonly deadlineAt: number;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  /** Heard until the answer begins: after that the connection may serve another request. */
  readonly callOff?: CallOff | undefined;
  /** For a large body; left when the exchange has ended. */
  readonly place: LargePlace;
  readonly traffic: Traffic;
}

export class AskExchange implements Exchange, Flow {
  readonly #options: AskOptions;
  readonly #reply = Promise.withResolvers<PeerReply>();
  #line: Line | undefined;
  #body: IncomingBody | undefined;
  #readerWaits = false;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  /** Rejects with a Fault. */
  get reply(): Promise<PeerReply> {
    return this.#reply.promise;
  }

  start(line: Line): void {
    this.#line = line;
    // a part that has to wait fails with the connection, which tells this exchange
    line.write(encodeAsk(this.#options.ask))?.catch(() => undefined);
  }

  take(piece: Piece): Progress {
    switch (piece.kind) {
      case "heartbeat":
      case "pong":
      case "bodyEnd":
        return "more";
      case "body":
        this.#options.traffic.received(this.#options.peer, piece.bytes.length);
        this.#body?.push(piece.bytes);
        return "more";
      case "save":
        return this.#begin(piece.header, piece.bodyBytes);
      case "error":
        if (this.#body !== undefined) throw unexpected(piece);
        this.#options.callOff?.deafen();
        this.#options.place.leave();
        this.#reply.reject(refusalOf(piece.error, this.#options.peer));
        return "done";
      case "end":
        this.#finish(piece.end);
        this.#options.place.leave();
        return "done";
      default:
        throw unexpected(piece);
    }
  }

  patienceMs(): number | undefined {
    const { clock, deadlines, deadlineAt } = this.#options;
    if (this.#body !== undefined) return this.#readerWaits ? deadlines.bodyStallMs : undefined;
    return patience({
      nowMs: clock.monotonicMs(),
      deadlineAt,
      silenceMs: deadlines.linkSilenceMs,
    });
  }

  overdue(): Fault {
    const { peer, clock, deadlineAt } = this.#options;
    if (this.#body !== undefined) return new Fault("too_slow", `the body from ${peer} stalled`);
    if (deadlineAt <= clock.monotonicMs()) {
      return new Fault("too_slow", `${peer} did not answer in time`);
    }
    return new Fault("peer_failed", `${peer} is silent`);
  }

  fail(fault: Fault): void {
    this.#options.callOff?.deafen();
    this.#options.place.leave();
    this.#reply.reject(fault);
    this.#body?.fail(fault);
  }

  #begin(header: SaveHeader, bodyBytes: number): Progress {
    if (this.#body !== undefined) {
      throw new Fault("bad_frame", "save where the end of another belongs");
    }
    const meta = acceptAnswer(header, bodyBytes, this.#options.ask);
    this.#options.callOff?.deafen();
    if (!this.#options.place.takes(bodyBytes)) {
      this.#reply.reject(new NotItsTurn(this.#options.peer));
      return "spent";
    }
    const body = new IncomingBody(bodyBytes, this);
    this.#body = body;
    this.#options.traffic.answered(this.#options.peer);
    const { via = "", detail = "", shape, standIn, held, load, spans, variants } = header;
    this.#reply.resolve({ meta, via, detail, shape, standIn, held, load, spans, variants, body });
    return "more";
  }

  /** For the body. */
  pause(): void {
    this.#line?.pause(true);
  }

  resume(): void {
    this.#line?.pause(false);
  }

  waiting(on: boolean): void {
    this.#readerWaits = on;
    this.#line?.rearm();
  }

  abandon(): void {
    this.#line?.abandon(new Fault("peer_failed", "the reader gave the body up"));
  }

  #finish(end: End): void {
    const fault = this.#body?.verify(end);
    if (this.#body === undefined) throw new Fault("bad_frame", "end where none belongs");
    if (fault !== undefined) throw fault;
  }
}

function unexpected({ kind }: Piece): Fault {
  return new Fault("bad_frame", `${kind} where none belongs`);
}
