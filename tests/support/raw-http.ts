/** HTTP/1.1 written by hand, for answers that a well-behaved server cannot give. */

import type { Socket } from "bun";

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** The body; a number is that many bytes of a pattern. */
  readonly content: Uint8Array | number;
  /** Stops after so many bytes of the body. */
  readonly sendBytes?: number;
  readonly chunked?: boolean;
  /** Not even a head is sent. */
  readonly silent?: boolean;
  readonly afterwards: "keep" | "close" | "stall";
}

export interface RawServer {
  readonly port: number;
  readonly sentBytes: number;
  aborted(count: number): Promise<void>;
  stop(): void;
}

interface Connection {
  input: Buffer;
  parts: Iterator<Uint8Array> | undefined;
  pending: Uint8Array | undefined;
  afterwards: Answer["afterwards"];
}

const CHUNK = Buffer.alloc(64 * 1024, "mir!");

/** The pattern that a number stands for. */
export function patternByte(position: number): number {
  return CHUNK[position % CHUNK.length] ?? 0;
}

/** What to do to a connection whose request is still coming. */
export type Early = (
  head: Omit<RawRequest, "body">,
  bodyBytes: number,
) => "close" | "stall" | undefined;

export function listenHttp(
  respond: (request: RawRequest) => Answer,
  early: Early = () => undefined,
): RawServer {
  let sentBytes = 0;
  let abortedCount = 0;
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  const listener = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = {
          input: Buffer.alloc(0),
          parts: undefined,
          pending: undefined,
          afterwards: "keep",
        };
      },
      data(socket, bytes) {
        socket.data.input = Buffer.concat([socket.data.input, bytes]);
        serve(socket);
      },
      drain: (socket) => pump(socket),
      close(socket) {
        if (socket.data.parts === undefined) return;
        abortedCount++;
        for (const waiter of waiting) if (abortedCount >= waiter.count) waiter.resolve();
        waiting = waiting.filter((waiter) => abortedCount < waiter.count);
      },
      error() {},
    },
  });

  const serve = (socket: Socket<Connection>): void => {
    if (socket.data.parts !== undefined) return;
    const taken = takeRequest(socket.data.input);
    if (taken === undefined) {
      interfere(socket);
      return;
    }
    socket.data.input = taken.rest;
    const answer = respond(taken.request);
    socket.data.afterwards = answer.afterwards;
    socket.data.parts = partsOf(taken.request.method, answer);
    pump(socket);
  };

  const interfere = (socket: Socket<Connection>): void => {
    const { input } = socket.data;
    const head = takeHead(input);
    if (head === undefined) return;
    const action = early(head.request, input.length - head.end);
    if (action === "close") socket.terminate();
    if (action === "stall") socket.pause();
  };

  const pump = (socket: Socket<Connection>): void => {
    const { data } = socket;
    for (;;) {
      data.pending ??= data.parts?.next().value ?? undefined;
      if (data.pending === undefined) break;
      const written = Math.max(0, socket.write(data.pending));
      sentBytes += written;
      if (written < data.pending.length) {
        data.pending = data.pending.subarray(written);
        return;
      }
      data.pending = undefined;
    }
    if (data.afterwards === "stall" || data.parts === undefined) return;
    data.parts = undefined;
    if (data.afterwards === "close") socket.end();
    else serve(socket);
  };

  return {
    port: listener.port,
    get sentBytes() {
      return sentBytes;
    },
    aborted(count) {
      if (abortedCount >= count) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    stop: () => listener.stop(true),
  };
}

function* partsOf(method: string, answer: Answer): Generator<Uint8Array> {
  if (answer.silent) return;
  const { content } = answer;
  const bytes = typeof content === "number" ? content : content.length;
  const framing = answer.chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes}`;
  const headers = answer.headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  yield Buffer.from(`HTTP/1.1 ${answer.status} X\r\n${headers}${framing}\r\n\r\n`);
  if (method === "HEAD") return;
  const end = Math.min(bytes, answer.sendBytes ?? bytes);
  for (let at = 0; at < end; at += CHUNK.length) {
    const until = Math.min(end, at + CHUNK.length);
    const part =
      typeof content === "number" ? CHUNK.subarray(0, until - at) : content.subarray(at, until);
    if (answer.chunked) yield Buffer.from(`${part.length.toString(16)}\r\n`);
    yield part;
    if (answer.chunked) yield Buffer.from("\r\n");
  }
  if (answer.chunked && answer.afterwards === "keep") yield Buffer.from("0\r\n\r\n");
}

function takeHead(
  input: Buffer,
): { readonly request: Omit<RawRequest, "body">; readonly end: number } | undefined {
  const headEnd = input.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = input.subarray(0, headEnd).toString("latin1").split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { request: { method, target, headers }, end: headEnd + 4 };
}

function takeRequest(input: Buffer): { request: RawRequest; rest: Buffer } | undefined {
  const head = takeHead(input);
  if (head === undefined) return undefined;
  const bodyEnd = head.end + Number(head.request.headers.get("content-length") ?? 0);
  if (input.length < bodyEnd) return undefined;
  const body = new Uint8Array(input.subarray(head.end, bodyEnd));
  return { request: { ...head.request, body }, rest: input.subarray(bodyEnd) };
}
