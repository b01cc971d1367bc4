/** One connection of a load: a raw socket with at most one request on its way, made anew when it is lost. */

import type { Socket } from "bun";
import {
  type AnswerState,
  endOfAnswer,
  newAnswer,
  PHASE,
  resetAnswer,
  takeAnswer,
} from "./answer.ts";
import type { SourceOf } from "./answer-head.ts";
import { BENCH_WAITS } from "./bounds.ts";
import type { Target } from "./plan.ts";
import type { ErrorKind } from "./tally.ts";

/** Whoever has requests to send. */
export interface Sender {
  /** Bytes have come. */
  received(bytes: number): void;
  /** The answer is whole; the connection is asked for its next state right after. */
  answered(connection: Connection): void;
  failed(connection: Connection, kind: ErrorKind): void;
  /** It can take a request. */
  free(connection: Connection): void;
}

export class Connection {
  readonly group: number;
  readonly answer: AnswerState;
  /** Of the request on its way: when it was due, when it was sent, whether it is for an id that nobody has. */
  dueMs = 0;
  sentMs = 0;
  missing = false;
  busy = false;
  /** Its sender has it among those that are free; it may have been lost meanwhile. */
  queued = false;

  readonly #target: Target;
  readonly #sender: Sender;
  #socket: Socket<Connection> | undefined;
  #connecting: PromiseWithResolvers<void> | undefined;
  /** Of a request that did not fit into the socket at once. */
  #unsent: Buffer | undefined;
  /** In a row, without a whole answer in between. */
  #failures = 0;
  #openedMs = 0;
  #ended = false;

  constructor(options: {
    readonly group: number;
    readonly target: Target;
    readonly sourceOf: SourceOf;
    readonly sender: Sender;
  }) {
    this.group = options.group;
    this.answer = newAnswer(options.sourceOf);
    this.#target = options.target;
    this.#sender = options.sender;
  }

  get stands(): boolean {
    return this.#socket !== undefined;
  }

  /** Resolves when it stands, or has failed, which its sender has been told. Never rejects. */
  connect(): Promise<void> {
    const going = Promise.withResolvers<void>();
    this.#connecting = going;
    const late = setTimeout(() => this.#refused(), BENCH_WAITS.connectMs);
    const { promise } = going;
    const target = this.#target;
    const rest = { data: this, socket: HANDLERS };
    const dialled =
      target.kind === "unix"
        ? Bun.connect<Connection>({ ...rest, unix: target.path })
        : Bun.connect<Connection>({ ...rest, hostname: target.host, port: target.port });
    dialled.catch(() => this.#refused());
    return promise.finally(() => clearTimeout(late));
  }

  /** Sends the first bytes of `buffer`, which may be used again at once. */
  send(buffer: Buffer, length: number): void {
    this.busy = true;
    resetAnswer(this.answer);
    const written = this.#socket?.write(buffer, 0, length) ?? -1;
    if (written === length) return;
    if (written < 0) this.#lost("reset");
    else this.#unsent = Buffer.from(buffer.subarray(written, length));
  }

  /** Cuts the request that is on its way. */
  giveUp(kind: ErrorKind): void {
    this.#lost(kind);
  }

  /** For good, without a word to its sender. */
  end(): void {
    this.#ended = true;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
    this.#connecting?.resolve();
  }

  opened(socket: Socket<Connection>): void {
    if (this.#ended || this.#connecting === undefined) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    this.#openedMs = performance.now();
    this.#connecting.resolve();
    this.#connecting = undefined;
    socket.setNoDelay(true);
    this.#sender.free(this);
  }

  took(socket: Socket<Connection>, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    this.#sender.received(bytes.length);
    const taken = this.busy ? takeAnswer(this.answer, bytes) : 0;
    const { phase } = this.answer;
    if (phase < PHASE.whole && this.busy) return;
    // a byte that nobody has asked for makes what comes next doubtful too
    if (phase === PHASE.broken || taken < bytes.length) this.#lost("broken");
    else this.#whole();
  }

  drained(socket: Socket<Connection>): void {
    if (socket !== this.#socket || this.#unsent === undefined) return;
    const written = socket.write(this.#unsent);
    if (written < 0) this.#lost("reset");
    else this.#unsent = written < this.#unsent.length ? this.#unsent.subarray(written) : undefined;
  }

  closed(socket: Socket<Connection>): void {
    if (socket !== this.#socket) return;
    const end = this.busy ? endOfAnswer(this.answer) : "whole";
    if (end !== "whole") this.#lost(end);
    else if (this.busy) this.#whole();
    else this.#closedUnasked();
  }

  /** A server may close what nobody uses; one that closes what it has just accepted refuses it. */
  #closedUnasked(): void {
    const stoodMs = performance.now() - this.#openedMs;
    if (this.answer.status === 0 && stoodMs < BENCH_WAITS.reconnectLongestMs) {
      this.#failures++;
      this.#sender.failed(this, "connect");
    }
    this.#again();
  }

  #whole(): void {
    this.busy = false;
    this.#failures = 0;
    this.#sender.answered(this);
    if (this.answer.closes) this.#again();
    else this.#sender.free(this);
  }

  #lost(kind: ErrorKind): void {
    this.busy = false;
    this.#failures++;
    this.#sender.failed(this, kind);
    this.#again();
  }

  #refused(): void {
    if (this.#connecting === undefined) return;
    this.#connecting.resolve();
    this.#connecting = undefined;
    this.#failures++;
    if (!this.#ended) this.#sender.failed(this, "connect");
    this.#again();
  }

  /** At once after a whole answer, later and later while it keeps failing. */
  #again(): void {
    // forgotten first: it says that it has closed before this returns
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
    this.#unsent = undefined;
    // until the first answer of the next one
    this.answer.status = 0;
    if (this.#ended) return;
    const { reconnectFirstMs, reconnectLongestMs } = BENCH_WAITS;
    const waitMs = Math.min(reconnectLongestMs, reconnectFirstMs * 2 ** (this.#failures - 1));
    if (this.#failures === 0) void this.connect();
    else setTimeout(() => this.#ended || void this.connect(), waitMs);
  }
}

const HANDLERS = {
  // the quickest of the three to make
  binaryType: "buffer",
  open: (socket: Socket<Connection>): void => socket.data.opened(socket),
  data: (socket: Socket<Connection>, bytes: Buffer): void => socket.data.took(socket, bytes),
  drain: (socket: Socket<Connection>): void => socket.data.drained(socket),
  close: (socket: Socket<Connection>): void => socket.data.closed(socket),
  // whatever it was, `close` follows
  error: (): void => undefined,
  end: (socket: Socket<Connection>): void => socket.data.closed(socket),
} as const;
