/** Peers for tests: real listeners and links on loopback, and bare sockets that say whatever a test wants. */

import type { Socket } from "bun";
import type { Body } from "../../src/base/body.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { VariantMeta } from "../../src/base/variant.ts";
import { type Links, type LinksOptions, makeLinks } from "../../src/mesh/link.ts";
import { type Listener, type ListenerOptions, startListener } from "../../src/mesh/listener.ts";
import type { PeerAnswer, PeerHandler, PeerReply, PeerRequest } from "../../src/mesh/peer.ts";
import type { PeerHandlers, Tell, Told } from "../../src/mesh/tell.ts";
import type { CounterName, Counters } from "../../src/observe/counters.ts";
import { makeLog } from "../../src/observe/log.ts";
import { Decoder, type Piece } from "../../src/wire/decode.ts";
import { encodeHello } from "../../src/wire/encode.ts";
import type { Hello } from "../../src/wire/messages.ts";

export const RELNAME = "vi/ra/l1/md/viral123.jpg";
export const OWNER = "owner";
export const EPOCH = "0123456789abcdef";
const HELLO: Hello = { name: OWNER, epoch: EPOCH, version: 1, nonce: "0".repeat(64) };

/** A node's counters and log lines. */
export interface Observed {
  readonly counters: Counters;
  readonly log: ReturnType<typeof makeLog>;
  count(name: CounterName): number;
  readonly lines: readonly string[];
}

export function observed(): Observed {
  const counts = new Map<CounterName, number>();
  const lines: string[] = [];
  return {
    counters: { add: (name, amount = 1) => counts.set(name, (counts.get(name) ?? 0) + amount) },
    log: makeLog({ node: OWNER, level: "debug", json: false, write: (line) => lines.push(line) }),
    count: (name) => counts.get(name) ?? 0,
    lines,
  };
}

export function variantOf(bytes: number, change: Partial<VariantMeta> = {}): VariantMeta {
  return {
    relname: RELNAME,
    bytes,
    validator: "00112233445566ff",
    modified: 1_700_000_000,
    facts: { width: 4000, height: 3000, alpha: false, animated: false },
    lossySteps: 1,
    ...change,
  };
}

export function answerOf(content: Uint8Array): PeerAnswer {
  const send = { kind: "bytes", bytes: content } as const;
  return { meta: variantOf(content.length), via: "", detail: "hit", send };
}

function requestOf(change: Partial<PeerRequest> = {}): PeerRequest {
  return { relname: RELNAME, role: "owner", deadlineMs: 10_000, hops: 1, ...change };
}

/** Bytes that differ wherever one looks. */
export function noise(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  let x = 0x2545_f491;
  for (let i = 0; i < bytes; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x;
  }
  return out;
}

/** A body out of these pieces; then `end`, or what it throws. */
export function bodyOf(pieces: readonly Uint8Array[], end?: Error): Body & { cancelled: boolean } {
  const rest = [...pieces];
  return {
    cancelled: false,
    async read() {
      const next = rest.shift();
      if (next === undefined && end !== undefined) throw end;
      return next;
    },
    cancel() {
      this.cancelled = true;
    },
  };
}

export interface Owner extends AsyncDisposable, Observed {
  readonly listener: Listener;
  readonly port: number;
}

/** `handlers` may be the one for requests alone. */
export function startOwner(
  handlers: PeerHandler | PeerHandlers,
  change: Partial<ListenerOptions> = {},
): Owner {
  const seen = observed();
  const listener = startListener({
    host: "127.0.0.1",
    port: 0,
    handlers: typeof handlers === "function" ? { ask: handlers } : handlers,
    self: OWNER,
    epoch: EPOCH,
    insecure: false,
    reusePort: false,
    clock: systemClock,
    counters: seen.counters,
    log: seen.log,
    ...change,
  });
  return {
    ...seen,
    listener,
    port: listener.port,
    async [Symbol.asyncDispose]() {
      await listener.stop();
    },
  };
}

export interface Asker extends Disposable, Observed {
  readonly links: Links;
  ask(change?: Partial<PeerRequest>): Promise<PeerReply>;
  /** Within 10 s, unless told otherwise. */
  tell(message: Tell, deadlineMs?: number): Promise<Told>;
}

export function startAsker(
  ports: number | readonly number[],
  change: Partial<LinksOptions> = {},
): Asker {
  const seen = observed();
  const addresses = [ports].flat().map((port) => ({ host: "127.0.0.1", port }));
  const links = makeLinks({
    self: "asker",
    epoch: EPOCH,
    addresses: () => addresses,
    clock: systemClock,
    counters: seen.counters,
    log: seen.log,
    ...change,
  });
  return {
    ...seen,
    links,
    ask: (request) => links.ask(OWNER, requestOf(request)),
    tell: (message, deadlineMs = 10_000) => links.tell(OWNER, message, { deadlineMs }),
    [Symbol.dispose]: () => links.close(),
  };
}

/** The far end of a connection, as bytes. */
export interface RawSide {
  /** All of it, however often the socket wants to be asked. */
  send(bytes: Uint8Array): void;
  end(): void;
  reset(): void;
}

export interface FakePeer extends Disposable {
  readonly port: number;
  /** Connections made to it so far. */
  readonly accepted: number;
}

/** A peer that answers the hello, and each message after it as `script` says. */
export function startFakePeer(
  script: (piece: Piece, side: RawSide, connection: number) => void,
  hello: Hello | "none" = HELLO,
): FakePeer {
  let accepted = 0;
  const server = Bun.listen<{ side: Pump; decoder: Decoder; number: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        accepted++;
        socket.data = { side: new Pump(socket), decoder: new Decoder(), number: accepted };
      },
      data(socket, chunk) {
        const { side, decoder, number } = socket.data;
        decoder.feed(chunk);
        for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
          if (piece.kind === "hello" && hello !== "none") side.send(encodeHello(hello));
          else script(piece, side, number);
        }
      },
      drain: (socket) => socket.data.side.drained(),
    },
  });
  return {
    port: server.port,
    get accepted() {
      return accepted;
    },
    [Symbol.dispose]: () => server.stop(true),
  };
}

export interface RawPeer extends RawSide, Disposable {
  /** What the listener has said so far. */
  readonly says: readonly Piece[];
  readonly kinds: readonly string[];
  readonly closed: boolean;
  /** Bytes sent that the kernel has not taken. */
  readonly unsent: number;
  pause(): void;
}

/** A dialler that says what a test wants; `hello` sends a hello first. */
export async function dialRaw(port: number, options: { hello: boolean }): Promise<RawPeer> {
  const says: Piece[] = [];
  const decoder = new Decoder();
  let closed = false;
  const socket = await Bun.connect<Pump | undefined>({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        decoder.feed(chunk);
        for (let p = decoder.next(); p !== undefined; p = decoder.next()) says.push(p);
      },
      drain: (s) => s.data?.drained(),
      close() {
        closed = true;
      },
    },
  });
  const pump = new Pump(socket);
  socket.data = pump;
  if (options.hello) pump.send(encodeHello({ ...HELLO, name: "asker" }));
  return {
    says,
    get kinds() {
      return says.map((piece) => piece.kind);
    },
    get closed() {
      return closed;
    },
    get unsent() {
      return pump.unsent;
    },
    send: (bytes) => pump.send(bytes),
    end: () => pump.end(),
    reset: () => pump.reset(),
    pause: () => socket.pause(),
    [Symbol.dispose]: () => pump.reset(),
  };
}

/** Writes in parts, as the socket takes them. */
class Pump implements RawSide {
  readonly #socket: Socket<unknown>;
  #rest: Uint8Array = new Uint8Array(0);
  #ending = false;

  constructor(socket: Socket<unknown>) {
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#rest.length;
  }

  send(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    this.drained();
  }

  end(): void {
    this.#ending = true;
    this.drained();
  }

  reset(): void {
    this.#socket.terminate();
  }

  drained(): void {
    const taken = this.#rest.length === 0 ? 0 : this.#socket.write(this.#rest);
    this.#rest = this.#rest.subarray(Math.max(0, taken));
    if (this.#ending && this.#rest.length === 0) this.#socket.end();
  }
}
