/** Many clients at once on one path: all connected before the first asks, each body hashed as it comes. */

import { getRequest } from "./raw-client.ts";

export interface FloodAnswer {
  readonly port: number;
  /** 0 when nothing came. */
  readonly status: number;
  readonly bytes: number;
  readonly hash: string;
  /** The body ended as it said it would. */
  readonly whole: boolean;
  /** Milliseconds from its request to the first byte of its body, and to the last. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** `performance.now()` at the last byte. */
  readonly endedAt: number;
}

export interface Flood {
  readonly answers: Promise<readonly FloodAnswer[]>;
  /** Bodies that have begun so far. */
  begun(): number;
}

const STATUS_AT = "HTTP/1.1 ".length;
const LENGTH = "\r\ncontent-length: ";
const HASHED_LATER_MAX = 256 * 1024;

interface Client {
  readonly port: number;
  readonly decoder: Decoder;
  askedAt: number;
  firstAt: number;
  endedAt: number;
  readonly ended: PromiseWithResolvers<void>;
}

/** `clients` of them, spread over the ports in turn. Resolves when all are connected and have asked. */
export async function startFlood(options: {
  readonly ports: readonly number[];
  readonly clients: number;
  readonly path: string;
}): Promise<Flood> {
  const { ports, clients, path } = options;
  let begun = 0;
  const sockets = await Promise.all(
    Array.from({ length: clients }, (_, i) => connect(ports[i % ports.length] ?? 0, () => begun++)),
  );
  // as browsers do; who closes at once makes the others wait for it
  const request = Buffer.from(getRequest(path, { Connection: "keep-alive" }));
  for (const socket of sockets) {
    socket.data.askedAt = performance.now();
    socket.write(request);
  }
  return {
    begun: () => begun,
    answers: Promise.all(sockets.map(({ data }) => data.ended.promise)).then(() => {
      // not before: who still waits shares the processor with whoever closes
      for (const socket of sockets) socket.terminate();
      return sockets.map(({ data }) => answerOf(data));
    }),
  };
}

function connect(port: number, onBegun: () => void) {
  const data: Client = {
    port,
    decoder: new Decoder(),
    askedAt: 0,
    firstAt: 0,
    endedAt: 0,
    ended: Promise.withResolvers(),
  };
  const end = (): void => {
    if (data.endedAt === 0) data.endedAt = performance.now();
    data.ended.resolve();
  };
  return Bun.connect<Client>({
    hostname: "127.0.0.1",
    port,
    data,
    socket: {
      binaryType: "buffer",
      data(_socket, chunk) {
        data.decoder.take(chunk);
        if (data.firstAt === 0 && data.decoder.bytes > 0) {
          data.firstAt = performance.now();
          onBegun();
        }
        if (data.decoder.whole) end();
      },
      close: end,
      error: end,
    },
  });
}

function answerOf(client: Client): FloodAnswer {
  const { port, decoder, askedAt, firstAt, endedAt } = client;
  return {
    port,
    status: decoder.status,
    bytes: decoder.bytes,
    hash: decoder.hash(),
    whole: decoder.whole,
    firstMs: firstAt - askedAt,
    lastMs: endedAt - askedAt,
    endedAt,
  };
}

/** Reads one answer, chunked or with a length. */
class Decoder {
  status = 0;
  bytes = 0;
  whole = false;
  readonly #hasher = new Bun.CryptoHasher("sha256");
  /** Of a small body: hashed when all have theirs, so that this takes nothing from who waits. */
  #kept: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #inBody = false;
  #chunked = false;
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0;

  hash(): string {
    this.#hashKept();
    return this.#hasher.copy().digest("hex");
  }

  #hashKept(): void {
    for (const part of this.#kept) this.#hasher.update(part);
    this.#kept = [];
  }

  /** `chunk` is its own from now on. */
  take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#inBody && !this.#readHead()) return;
    while (this.#step()) {
      // as far as it goes
    }
  }

  #readHead(): boolean {
    const headEnd = this.#rest.indexOf("\r\n\r\n") + 4;
    if (headEnd < 4) return false;
    const text = this.#rest.toString("latin1", 0, headEnd).toLowerCase();
    this.status = Number(text.slice(STATUS_AT, STATUS_AT + 3));
    const at = text.indexOf(LENGTH);
    this.#chunked = at < 0 && text.includes("\r\ntransfer-encoding: chunked\r\n");
    this.#left = at < 0 ? 0 : Number.parseInt(text.slice(at + LENGTH.length), 10);
    this.#rest = this.#rest.subarray(headEnd);
    this.#inBody = true;
    if (!this.#chunked && this.#left === 0) this.whole = true;
    return true;
  }

  #step(): boolean {
    if (this.whole) return false;
    if (this.#left > 0) return this.#readBytes();
    const lineEnd = this.#rest.indexOf("\r\n");
    if (lineEnd < 0) return false;
    const line = this.#rest.subarray(0, lineEnd).toString("latin1");
    this.#rest = this.#rest.subarray(lineEnd + 2);
    // the line end after a chunk, or the length of the next one
    if (line === "") return true;
    this.#left = Number.parseInt(line, 16);
    if (this.#left === 0) this.whole = true;
    return true;
  }

  #readBytes(): boolean {
    const part = this.#rest.subarray(0, this.#left);
    if (part.length === 0) return false;
    this.#kept.push(part);
    this.bytes += part.length;
    if (this.bytes > HASHED_LATER_MAX) this.#hashKept();
    this.#left -= part.length;
    this.#rest = this.#rest.subarray(part.length);
    if (!this.#chunked && this.#left === 0) this.whole = true;
    return true;
  }
}
