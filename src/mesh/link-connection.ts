/** One connection to a peer, the dialler's side: hello, then one exchange at a time. */

import type { Socket } from "bun";
import type { Clock } from "../base/clock.ts";
import { asFault, Fault } from "../base/fault.ts";
import { Decoder, type Piece } from "../wire/decode.ts";
import { PONG_FRAME } from "../wire/encode.ts";
import type { Hello } from "../wire/messages.ts";
import { Alarm, type MeshDeadlines } from "./alarm.ts";
import type { Certificate } from "./certificate.ts";
import type { DialGreeting } from "./dial-greeting.ts";
import type { Exchange } from "./exchange.ts";
import { type LineEnd, OpenLine } from "./open-line.ts";
import { Outgoing } from "./outgoing.ts";

export interface LinkConnectionOptions {
  readonly peer: string;
  readonly clock: Clock;
  readonly deadlines: MeshDeadlines;
  /** The connection can take the next exchange. */
  readonly onFree: (connection: LinkConnection) => void;
  /** An exchange failed by the peer's or the network's doing; called before `onClosed`. */
  readonly onBroken: (fault: Fault) => void;
  /** The connection has ended; called once. */
  readonly onClosed: (connection: LinkConnection) => void;
}

type State = "connecting" | "hello" | "idle" | "busy" | "closed";

export class LinkConnection implements Disposable, LineEnd {
  readonly #options: LinkConnectionOptions;
  readonly #decoder = new Decoder();
  readonly #alarm: Alarm;
  #socket: Socket<LinkConnection> | undefined;
  #out: Outgoing | undefined;
  #state: State = "connecting";
  #shown: Certificate | undefined;
  #greeting: DialGreeting | undefined;
  #greeted: PromiseWithResolvers<void> | undefined;
  #exchange: Exchange | undefined;
  #paused = false;
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

  /** Exchanges begun on it so far. */
  get requests(): number {
    return this.#requests;
  }

  /** The peer closed it after the last exchange had begun, before any byte of an answer. */
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

  /** The certificate that the peer has shown; before its hello. */
  certified(shown: Certificate): void {
    this.#shown = shown;
  }

  /** Says hello and waits for the peer's; rejects with a Fault, and the connection is closed then. */
  greet(greeting: DialGreeting): Promise<void> {
    this.#greeting = greeting;
    this.#greeted = Promise.withResolvers();
    this.#state = "hello";
    this.#alarm.set(this.#options.deadlines.helloMs);
    this.#send(greeting.frame);
    return this.#greeted.promise;
  }

  /** To a legacy peer, which knows no hello: ready at once. */
  skipGreeting(): void {
    if (this.#state !== "connecting") return;
    this.#state = "idle";
  }

  /** Only on an idle connection. What becomes of the exchange is its own to tell. */
  run(exchange: Exchange): void {
    if (this.#state !== "idle") {
      // closed between being handed out and being used
      this.#lost = true;
      exchange.fail(this.#brokenOff());
      return;
    }
    this.#state = "busy";
    this.#exchange = exchange;
    this.#heard = false;
    this.#requests++;
    this.#armAlarm();
    try {
      exchange.start(new OpenLine(this, exchange));
    } catch (error) {
      exchange.fail(asFault(error));
      if (this.open) this.#becomeFree();
    }
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
    this.#lost = this.#state === "busy" && !this.#heard;
    const fault = this.#state === "hello" ? this.#shutOut(cause) : this.#brokenOff(cause);
    // one that had become stale is expected, and the exchange is tried again
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
    this.#greeted?.reject(fault);
    this.#exchange?.fail(fault);
  }

  [Symbol.dispose](): void {
    this.fail(new Fault("draining", "the node closes its connections"));
  }

  #act(piece: Piece): void {
    switch (piece.kind) {
      case "ping":
        if (this.#out?.busy === false) this.#send(PONG_FRAME);
        return;
      case "hello":
        this.#onHello(piece.hello);
        return;
      default:
        this.#hand(piece);
    }
  }

  #hand(piece: Piece): void {
    if (this.#exchange === undefined) {
      if (piece.kind === "heartbeat" || piece.kind === "pong") return;
      throw new Fault("bad_frame", `${piece.kind} where none belongs (${this.#state})`);
    }
    const progress = this.#exchange.take(piece);
    if (progress === "more") return;
    if (progress === "spent") this.fail(new Fault("peer_failed", "the connection was given up"));
    else this.#becomeFree();
  }

  #onHello(hello: Hello): void {
    if (this.#greeting === undefined) throw new Fault("bad_frame", "a hello from a legacy peer");
    if (this.#state !== "hello") throw new Fault("bad_frame", "a second hello");
    const proof = this.#greeting.accept(hello, this.#shown);
    if (proof !== undefined) this.#send(proof);
    if (!this.open) return;
    this.#state = "idle";
    this.#alarm.clear();
    this.#greeted?.resolve();
  }

  #becomeFree(): void {
    this.#state = "idle";
    this.#exchange = undefined;
    this.#alarm.clear();
    this.setPaused(false);
    this.#options.onFree(this);
  }

  /** Whether the exchange is the one under way. */
  serves(exchange: Exchange): boolean {
    return this.#exchange === exchange && this.open;
  }

  /** For the line of the exchange under way. */
  writeFor(exchange: Exchange, bytes: Uint8Array): Promise<void> | undefined {
    if (!this.serves(exchange)) throw this.#brokenOff();
    return this.#write(bytes);
  }

  /** For the line of the exchange under way: what `patienceMs` says has changed. */
  rearm(): void {
    this.#armAlarm();
  }

  /** For the line of the exchange under way. */
  setPaused(on: boolean): void {
    if (on === this.#paused) return;
    this.#paused = on;
    if (on) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** `fail` for what is the peer's doing. */
  #break(fault: Fault): void {
    if (this.#state === "busy") this.#options.onBroken(fault);
    this.fail(fault);
  }

  /** Any byte counts as a sign of life. */
  #armAlarm(): void {
    if (this.#state !== "busy" || this.#exchange === undefined) return;
    const patienceMs = this.#exchange.patienceMs();
    if (patienceMs === undefined) this.#alarm.clear();
    else this.#alarm.set(patienceMs);
  }

  #due(): void {
    if (this.#exchange !== undefined) this.#break(this.#exchange.overdue());
    else if (this.#state === "idle") {
      this.fail(new Fault("peer_failed", "the connection was not needed"));
    } else this.fail(new Fault("peer_failed", `${this.#options.peer} is silent`));
  }

  #brokenOff(cause?: unknown): Fault {
    const told = `the connection to ${this.#options.peer} broke off`;
    return new Fault("peer_failed", told, { cause });
  }

  #shutOut(cause: unknown): Fault {
    const told = `${this.#options.peer} closed the connection at the hello; its log says why`;
    return new Fault("peer_failed", told, { cause });
  }

  #write(bytes: Uint8Array): Promise<void> | undefined {
    try {
      return this.#out?.write(bytes);
    } catch (error) {
      this.ended(error);
      throw error;
    }
  }

  #send(frame: Uint8Array): void {
    try {
      // a part that has to wait fails with the connection, whose `close` tells everybody
      this.#write(frame)?.catch(() => undefined);
    } catch {
      return;
    }
  }
}
