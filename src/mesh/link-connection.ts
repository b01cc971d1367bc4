/** One connection to a peer, the dialler's side: hello, then one request at a time. */

import type { Socket } from "bun";
import type { Clock } from "../base/clock.ts";
import { asFault, Fault, unreachable } from "../base/fault.ts";
import { Decoder, type Piece } from "../wire/decode.ts";
import { encodeAsk, encodeHello, PONG_FRAME } from "../wire/encode.ts";
import type { Ask, End, ErrorMessage, Hello, SaveHeader } from "../wire/messages.ts";
import { acceptAnswer, refusalOf } from "./accept-answer.ts";
import { Alarm, type MeshDeadlines } from "./alarm.ts";
import { IncomingBody } from "./incoming-body.ts";
import { Outgoing } from "./outgoing.ts";
import type { PeerReply } from "./peer.ts";

export interface LinkConnectionOptions {
  readonly peer: string;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  /** The connection can take the next request. */
  readonly onFree: (connection: LinkConnection) => void;
  /** A request failed by the peer's or the network's doing; called before `onClosed`. */
  readonly onBroken: (fault: Fault) => void;
  /** The connection has ended; called once. */
  readonly onClosed: (connection: LinkConnection) => void;
}

type State = "connecting" | "hello" | "idle" | "asked" | "reply" | "closed";

export class LinkConnection implements Disposable {
  readonly #options: LinkConnectionOptions;
  readonly #decoder = new Decoder();
  readonly #alarm: Alarm;
  #socket: Socket<LinkConnection> | undefined;
  #out: Outgoing | undefined;
  #state: State = "connecting";
  #greeting: PromiseWithResolvers<void> | undefined;
  #asked: { readonly ask: Ask; readonly deadlineAt: number } | undefined;
  #reply: PromiseWithResolvers<PeerReply> | undefined;
  #body: IncomingBody | undefined;
  #paused = false;
  #readerWaits = false;
  #heard = false;
  #requests = 0;
  #lost = false;

  constructor(options: LinkConnectionOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#due());
  }

  get open(): boolean {
    return this.#state !== "closed";
  }

  /** Requests made on it so far. */
  get requests(): number {
    return this.#requests;
  }

  /** The peer closed it after the last request, before any byte of an answer. */
  get lost(): boolean {
    return this.#lost;
  }

  /** For the socket's `open`. */
  opened(socket: Socket<LinkConnection>): void {
    if (this.#state === "closed") {
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
    this.#socket = socket;
    const { clock, deadlines } = this.#options;
    this.#out = new Outgoing({ socket, clock, stallMs: deadlines.sendStallMs });
  }

  /** Says hello and waits for the peer's; rejects with a Fault, and the connection is closed then. */
  greet(hello: Hello): Promise<void> {
    this.#greeting = Promise.withResolvers();
    this.#state = "hello";
    this.#alarm.set(this.#options.deadlines.helloMs);
    this.#send(encodeHello(hello));
    return this.#greeting.promise;
  }

  /** Only on an idle connection. Rejects with a Fault. */
  ask(ask: Ask, deadlineAt: number): Promise<PeerReply> {
    const reply = Promise.withResolvers<PeerReply>();
    if (this.#state !== "idle") {
      // closed between being handed out and being used
      this.#lost = true;
      reply.reject(new Fault("peer_failed", `the connection to ${this.#options.peer} broke off`));
      return reply.promise;
    }
    this.#reply = reply;
    this.#asked = { ask, deadlineAt };
    this.#state = "asked";
    this.#heard = false;
    this.#requests++;
    this.#armAlarm();
    this.#send(encodeAsk(ask));
    return reply.promise;
  }

  /** Nobody needs it for now: it closes itself after a while. */
  rest(): void {
    this.#alarm.set(this.#options.deadlines.linkIdleMs);
  }

  received(bytes: Uint8Array): void {
    this.#heard = true;
    this.#decoder.feed(bytes);
    try {
      while (this.open) {
        const piece = this.#decoder.next();
        if (piece === undefined) break;
        this.#act(piece);
      }
    } catch (error) {
      this.#break(asFault(error));
    }
    this.#armAlarm();
  }

  drained(): void {
    this.#out?.drained();
  }

  /** For the socket's `close` and `error`. */
  ended(cause?: unknown): void {
    if (this.#state === "closed") return;
    this.#lost = this.#state === "asked" && !this.#heard;
    const fault = new Fault("peer_failed", `the connection to ${this.#options.peer} broke off`, {
      cause,
    });
    // one that had become stale is expected, and the request is made again
    if (this.#lost && this.#requests > 1) this.fail(fault);
    else this.#break(fault);
  }

  /** Ends it now; whoever waits on it gets the fault. */
  fail(fault: Fault): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#alarm[Symbol.dispose]();
    this.#out?.closed();
    this.#socket?.terminate();
    this.#options.onClosed(this);
    this.#greeting?.reject(fault);
    this.#reply?.reject(fault);
    this.#body?.fail(fault);
  }

  [Symbol.dispose](): void {
    this.fail(new Fault("draining", "the node closes its connections"));
  }

  #act(piece: Piece): void {
    switch (piece.kind) {
      case "heartbeat":
      case "pong":
      case "bodyEnd":
        return;
      case "ping":
        if (this.#out?.busy === false) this.#send(PONG_FRAME);
        return;
      case "body":
        this.#body?.push(piece.bytes);
        return;
      case "hello":
        this.#onHello(piece.hello);
        return;
      case "save":
        this.#onSave(piece.header, piece.bodyBytes);
        return;
      case "error":
        this.#onError(piece.error);
        return;
      case "end":
        this.#onEnd(piece.end);
        return;
      case "request":
      case "warm":
      case "record":
      case "rebalance":
      case "ask":
      case "ack":
      case "purge":
        throw unexpected(piece.kind, this.#state);
      default:
        unreachable(piece);
    }
  }

  #onHello(hello: Hello): void {
    if (this.#state !== "hello") throw unexpected("hello", this.#state);
    const { peer } = this.#options;
    if (hello.name !== peer) {
      const told = `the node at the address of ${peer} is ${hello.name}; mend the topology`;
      throw new Fault("peer_failed", told);
    }
    this.#state = "idle";
    this.#alarm.clear();
    this.#greeting?.resolve();
  }

  #onSave(header: SaveHeader, bodyBytes: number): void {
    if (this.#state !== "asked" || this.#asked === undefined) throw unexpected("save", this.#state);
    const meta = acceptAnswer(header, bodyBytes, this.#asked.ask);
    this.#state = "reply";
    this.#alarm.clear();
    const body = new IncomingBody(bodyBytes, {
      pause: () => this.#setPaused(true),
      resume: () => this.#setPaused(false),
      waiting: (on) => this.#setReaderWaits(on),
      abandon: () => this.fail(new Fault("peer_failed", "the reader gave the body up")),
    });
    this.#body = body;
    this.#reply?.resolve({ meta, via: header.via ?? "", detail: header.detail ?? "", body });
  }

  #onError(error: ErrorMessage): void {
    if (this.#state !== "asked") throw unexpected("error", this.#state);
    this.#reply?.reject(refusalOf(error, this.#options.peer));
    this.#becomeFree();
  }

  #onEnd(end: End): void {
    const fault =
      this.#body === undefined ? unexpected("end", this.#state) : this.#body.verify(end);
    if (fault !== undefined) throw fault;
    this.#becomeFree();
  }

  #becomeFree(): void {
    this.#state = "idle";
    this.#reply = undefined;
    this.#body = undefined;
    this.#asked = undefined;
    this.#readerWaits = false;
    this.#alarm.clear();
    this.#setPaused(false);
    this.#options.onFree(this);
  }

  #setPaused(on: boolean): void {
    if (on === this.#paused) return;
    this.#paused = on;
    if (on) this.#socket?.pause();
    else this.#socket?.resume();
  }

  #setReaderWaits(on: boolean): void {
    this.#readerWaits = on;
    if (on) this.#alarm.set(this.#options.deadlines.bodyStallMs);
    else this.#alarm.clear();
  }

  /** `fail` for what is the peer's doing. */
  #break(fault: Fault): void {
    if (this.#state === "asked" || this.#state === "reply") this.#options.onBroken(fault);
    this.fail(fault);
  }

  /** Any byte counts as a sign of life. */
  #armAlarm(): void {
    const { clock, deadlines } = this.#options;
    if (this.#state === "asked" && this.#asked !== undefined) {
      const left = this.#asked.deadlineAt - clock.monotonicMs();
      this.#alarm.set(Math.min(left, deadlines.linkSilenceMs));
    }
    if (this.#state === "reply" && this.#readerWaits) this.#alarm.set(deadlines.bodyStallMs);
  }

  #due(): void {
    const late = (this.#asked?.deadlineAt ?? 0) <= this.#options.clock.monotonicMs();
    this.#break(overdue(this.#state, late, this.#options.peer));
  }

  #send(frame: Uint8Array): void {
    try {
      // a part that has to wait fails with the connection, whose `close` tells everybody
      this.#out?.write(frame)?.catch(() => undefined);
    } catch (error) {
      this.ended(error);
    }
  }
}

function unexpected(what: string, state: State): Fault {
  return new Fault("bad_frame", `${what} where none belongs (${state})`);
}

function overdue(state: State, late: boolean, peer: string): Fault {
  if (state === "reply") return new Fault("too_slow", `the body from ${peer} stalled`);
  if (state === "asked" && late) return new Fault("too_slow", `${peer} did not answer in time`);
  const silent = state === "asked" || state === "hello";
  return new Fault("peer_failed", silent ? `${peer} is silent` : "the connection was not needed");
}
