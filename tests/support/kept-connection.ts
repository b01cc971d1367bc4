/** One HTTP connection that is kept: requests go over it one after the other, and its end shows. */

export interface KeptAnswer {
  readonly status: number;
  /** The server will close the connection. */
  readonly lastOne: boolean;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

export interface KeptConnection extends Disposable {
  /** Rejects when the connection ends before the answer is whole. Only for answers with a length. */
  get(path: string): Promise<KeptAnswer>;
  readonly open: boolean;
}

export async function keepConnection(
  to: { readonly port: number } | { readonly unix: string },
): Promise<KeptConnection> {
  let input = Buffer.alloc(0);
  let open = true;
  let waiting: PromiseWithResolvers<KeptAnswer> | undefined;
  const ended = (): void => {
    open = false;
    waiting?.reject(new Error("the connection ended before the answer was whole"));
  };
  const handlers = {
    data(_: unknown, chunk: Uint8Array) {
      input = Buffer.concat([input, chunk]);
      const answer = parse(input);
      if (answer === undefined) return;
      input = input.subarray(answer.bytes);
      waiting?.resolve(answer);
      waiting = undefined;
    },
    close: ended,
    end: ended,
    error: ended,
  };
  const socket =
    "unix" in to
      ? await Bun.connect({ unix: to.unix, socket: handlers })
      : await Bun.connect({ hostname: "127.0.0.1", port: to.port, socket: handlers });
  return {
    get open() {
      return open;
    },
    get(path) {
      if (!open) return Promise.reject(new Error("the connection has ended"));
      waiting = Promise.withResolvers();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: mir\r\n\r\n`);
      return waiting.promise;
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

function parse(input: Buffer): (KeptAnswer & { readonly bytes: number }) | undefined {
  const headBytes = input.indexOf("\r\n\r\n") + 4;
  if (headBytes < 4) return undefined;
  const [statusLine = "", ...lines] = input.subarray(0, headBytes).toString("latin1").split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bytes = headBytes + Number(headers.get("content-length"));
  if (Number.isNaN(bytes)) throw new Error(`an answer without a length: ${statusLine}`);
  if (input.length < bytes) return undefined;
  return {
    status: Number(statusLine.split(" ")[1]),
    lastOne: headers.get("connection")?.toLowerCase() === "close",
    header: (name) => headers.get(name),
    body: input.subarray(headBytes, bytes),
    bytes,
  };
}
