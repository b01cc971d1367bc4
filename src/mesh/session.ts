/** One connection from a peer, the listener's side: what it may say when, and when it is closed (spec §3). */

import type { Socket } from "bun";
import { CallOff } from "../base/call-off.ts";
import { asFault, Fault, unreachable } from "../base/fault.ts";
import { Decoder, type Piece } from "../wire/decode.ts";
import { PONG_FRAME } from "../wire/encode.ts";
import type { Ask, SaveHeader } from "../wire/messages.ts";
import { Alarm } from "./alarm.ts";
import { AuthRefused } from "./auth.ts";
import type { Certificate } from "./certificate.ts";
import { Greeting } from "./greeting.ts";
import { Intake } from "./intake.ts";
import { Outgoing } from "./outgoing.ts";
import { Pulse } from "./pulse.ts";
import { serveAsk } from "./serve-ask.ts";
import { savedMeta, serveTell, type TellMessage } from "./serve-tell.ts";
import type { SessionOptions } from "./session-options.ts";

/** A listener waits longer than a dialler, so that the dialler is the one who closes an idle connection. */
const IDLE_FACTOR = 2;

export class Session {
  readonly #options: SessionOptions;
  readonly #socket: Socket<unknown>;
  readonly #out: Outgoing;
  readonly #decoder = new Decoder();
  /** For hello, half a frame, and idleness. */
  readonly #watch: Alarm;
  readonly #pulse: Pulse;
  readonly #greeting: Greeting;
  /** A request is being served, or an answer waits to be taken: nothing more is looked at. */
  #busy = false;
  #paused = false;
  #draining = false;
  #closed = false;
  /** No TLS is wanted, or the peer's certificate has been found good. */
  #secured: boolean;
  #callOff: CallOff | undefined;
  /** Content that is coming in; it is looked at while the session is busy with its message. */
  #intake: Intake | undefined;

  constructor(socket: Socket<unknown>, options: SessionOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#greeting = new Greeting(options, socket.remoteAddress, (frame) => this.#say(frame));
    const { clock, deadlines } = options;
    this.#out = new Outgoing({ socket, clock, stallMs: deadlines.sendStallMs });
    this.#pulse = new Pulse({ out: this.#out, clock, heartbeatMs: deadlines.heartbeatMs });
    this.#watch = new Alarm(clock, () => this.#overdue());
    this.#watch.set(deadlines.helloMs);
    this.#secured = options.credentials.tls === undefined;
    socket.setNoDelay(true);
  }

  /** The TLS handshake is over, and the CA has signed what the peer showed. */
  secured(shown: Certificate): void {
    this.#secured = true;
    this.#greeting.certified(shown);
  }

  /** The TLS handshake has failed. */
  unsecured(problem: string): void {
    if (!this.#closed) this.#refuse(new AuthRefused(problem));
  }

  received(bytes: Uint8Array): void {
    if (this.#closed) return;
    // the runtime sees to it; nothing may depend on that alone
    if (!this.#secured) {
      this.unsecured("content before the end of the TLS handshake");
      return;
    }
    this.#decoder.feed(bytes);
    // nothing is expected now: what comes anyway waits in the kernel
    if (this.#busy && this.#intake === undefined) this.#setPaused(true);
    else this.#pump();
  }

  drained(): void {
    this.#out.drained();
  }

  /** For the socket's `close` and `error`, and to end the connection at once. */
  terminate(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch[Symbol.dispose]();
    this.#pulse[Symbol.dispose]();
    this.#socket.terminate();
    this.#out.closed();
    const gone = new Fault("peer_failed", "the peer has gone");
    this.#intake?.fail(gone);
    this.#callOff?.call(gone);
    this.#options.onClosed();
  }

  /** Ends the connection when the request under way, if there is one, has been answered. */
  drain(): void {
    this.#draining = true;
    if (!this.#busy) this.#end();
  }

  #pump(): void {
    try {
      while ((!this.#busy || this.#intake !== undefined) && !this.#closed) {
        const piece = this.#decoder.next();
        if (piece === undefined) break;
        this.#act(piece);
      }
    } catch (error) {
      const fault = asFault(error);
      const { log } = this.#options;
      const { peer } = this.#greeting;
      if (fault.code === "bad_frame" || fault instanceof AuthRefused) this.#refuse(fault);
      else {
        // else the peer left before a word of ours, or it is a bug
        if (fault.code === "internal") log.error("connection failed", { peer, fault });
        this.terminate();
      }
    }
    if (!this.#closed) this.#rearm();
  }

  #rearm(): void {
    const { frameStallMs, linkIdleMs, bodyStallMs } = this.#options.deadlines;
    if (this.#intake !== undefined && !this.#paused) this.#watch.set(bodyStallMs);
    else if (this.#busy) this.#watch.clear();
    else if (!this.#greeting.over) return;
    else if (this.#decoder.midFrame) this.#watch.set(frameStallMs);
    else this.#watch.set(linkIdleMs * IDLE_FACTOR);
  }

  #act(piece: Piece): void {
    if (this.#intake !== undefined) {
      if (this.#intake.take(piece)) this.#intake = undefined;
      return;
    }
    if (!this.#greeting.passes(piece)) return;
    switch (piece.kind) {
      case "heartbeat":
      case "pong":
        return;
      case "ping":
        this.#say(PONG_FRAME);
        return;
      case "ask":
        this.#serve(piece.ask);
        return;
      case "request":
        this.#serve(this.#bareAsk(piece.relname));
        return;
      case "record":
      case "warm":
      case "purge":
        this.#hear(piece);
        return;
      case "save":
      case "rebalance":
        this.#takeIn(piece.header, piece.bodyBytes);
        this.#hear(piece);
        return;
      case "hello":
      case "proof":
      case "error":
      case "end":
      case "ack":
      case "body":
      case "bodyEnd":
        throw new Fault("bad_frame", `${piece.kind} from a dialler`);
      default:
        unreachable(piece);
    }
  }

  #bareAsk(relname: string): Ask {
    const { epoch, deadlines } = this.#options;
    return { relname, role: "owner", epoch, hops: 0, deadlineMs: deadlines.requestMs };
  }

  #takeIn(header: SaveHeader, bytes: number): void {
    const { legacy } = this.#greeting;
    savedMeta(header, bytes, legacy);
    if (legacy && this.#options.handlers.save === undefined) {
      throw new Fault("bad_frame", "this node takes no content from peers");
    }
    this.#intake = new Intake({
      bytes,
      legacy,
      pause: (on) => {
        this.#setPaused(on);
        this.#rearm();
      },
    });
  }

  #hear(message: TellMessage): void {
    const callOff = new CallOff();
    this.#callOff = callOff;
    this.#work(
      serveTell({
        ...this.#options,
        message,
        intake: this.#intake,
        peer: this.#greeting.peer,
        legacy: this.#greeting.legacy,
        signal: callOff.signal,
        out: this.#out,
      }),
    );
  }

  #serve(ask: Ask): void {
    const { handlers, counters, log, clock, epoch } = this.#options;
    const { peer, legacy } = this.#greeting;
    const [out, pulse] = [this.#out, this.#pulse];
    counters.add("peer_request");
    if (ask.epoch !== epoch) counters.add("epoch_mismatch");
    const callOff = new CallOff();
    this.#callOff = callOff;
    try {
      const handler = handlers.ask;
      const served = serveAsk({ ask, peer, legacy, callOff, handler, out, pulse, clock, log });
      if (served instanceof Promise) {
        this.#work(served);
        return;
      }
      if (served === "close") this.#end();
    } catch (error) {
      this.#brokenOff(error);
    }
    this.#callOff = undefined;
  }

  #work(work: Promise<"keep" | "close">): void {
    void this.#until(work.then((then) => (then === "close" ? this.#end() : undefined)));
  }

  /** Small answers of our own; with a peer that does not read them nothing more is looked at. */
  #say(frame: Uint8Array): void {
    const writing = this.#out.write(frame);
    if (writing !== undefined) void this.#until(writing);
  }

  /** A failure of the work means that the connection cannot be used any more. */
  async #until(work: Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work;
    } catch (error) {
      this.#brokenOff(error);
    }
    this.#callOff = undefined;
    this.#busy = false;
    if (this.#closed) return;
    if (this.#draining) return this.#end();
    this.#setPaused(false);
    this.#pump();
  }

  #brokenOff(error: unknown): void {
    if (this.#closed) return;
    const { peer } = this.#greeting;
    this.#options.log.info("answer broken off", { peer, fault: asFault(error) });
    this.terminate();
  }

  #setPaused(on: boolean): void {
    if (on === this.#paused) return;
    this.#paused = on;
    if (on) this.#socket.pause();
    else this.#socket.resume();
  }

  #overdue(): void {
    if (!this.#greeting.over) this.#refuse(new Fault("bad_frame", "no hello in time"));
    else if (this.#intake !== undefined) {
      this.#intake.fail(new Fault("too_slow", "the content stalled"));
      this.#refuse(new Fault("bad_frame", "content that stalled"));
    } else if (this.#decoder.midFrame)
      this.#refuse(new Fault("bad_frame", "half a frame and silence"));
    else this.#end();
  }

  #refuse(reason: Fault): void {
    const { counters, log } = this.#options;
    counters.add(reason instanceof AuthRefused ? "auth_refused" : "peer_refused");
    log.warn("peer refused", { peer: this.#greeting.peer, reason: reason.message });
    this.#end();
  }

  /** Everything written so far still arrives. */
  #end(): void {
    if (this.#closed) return;
    this.#socket.end();
    this.terminate();
  }
}
