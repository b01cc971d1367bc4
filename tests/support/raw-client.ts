/** A client that sees the bytes on the socket: heads, chunks, resets. */

export interface RawAnswer {
  readonly bytes: Buffer;
  /** How the connection ended. */
  readonly end: "closed" | "reset";
  /** The last chunk of a chunked body was seen. */
  readonly terminated: boolean;
}

/** Sends `request` as it is and gathers what comes until the peer ends the connection. */
export async function rawExchange(options: {
  readonly port: number;
  readonly request: string | Uint8Array;
  /** Called with the number of bytes received so far; nothing more is read until its promise resolves. */
  readonly onBytes?: (received: number) => void | Promise<void>;
}): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  let received = 0;
  let reset = false;
  const ended = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: options.port,
    socket: {
      data(socket, chunk) {
        chunks.push(Buffer.from(chunk));
        received += chunk.length;
        const pause = options.onBytes?.(received);
        if (pause === undefined) return;
        socket.pause();
        void pause.finally(() => socket.resume());
      },
      close(_, error) {
        if (error !== undefined && error !== null) reset = true;
        ended.resolve();
      },
      error() {
        reset = true;
        ended.resolve();
      },
    },
  });
  socket.write(options.request);
  await ended.promise;
  const bytes = Buffer.concat(chunks);
  const terminated = bytes.subarray(-7).toString("latin1").endsWith("0\r\n\r\n");
  return { bytes, end: reset ? "reset" : "closed", terminated };
}

/** The body of a raw answer, its chunks joined; those of a cut one as far as they came. */
export function bodyOf({ bytes }: RawAnswer): Buffer {
  const headEnd = bytes.indexOf("\r\n\r\n") + 4;
  if (!/transfer-encoding: chunked/i.test(bytes.subarray(0, headEnd).toString("latin1"))) {
    return bytes.subarray(headEnd);
  }
  const parts: Buffer[] = [];
  for (let at = headEnd; at < bytes.length; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    if (lineEnd < 0 || !(length > 0)) break;
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return Buffer.concat(parts);
}

/** Status code of a raw HTTP/1.1 answer. */
export function statusOf(answer: RawAnswer): number {
  return Number(answer.bytes.toString("latin1").split(" ")[1]);
}

export function getRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: "mir", Connection: "close", ...headers });
  return `GET ${path} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n`;
}
