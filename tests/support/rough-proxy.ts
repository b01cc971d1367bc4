/** A TCP proxy between two nodes that drops packets one way, or lets them crawl. */

import type { Socket } from "bun";

export interface RoughProxy extends Disposable {
  readonly port: number;
  /** `silent`: what the server answers is swallowed, what it is asked still arrives. */
  mode: "clear" | "silent" | "crawl";
}

interface Pair {
  readonly client: Socket<Pair>;
  server: Socket<undefined> | undefined;
  /** What came before the server was dialled. */
  early: Buffer[];
  queue: Buffer[];
  /** Bytes that may crawl through at once: a short answer on an idle line does not wait. */
  allowance: number;
}

/** Bytes a second that crawl through, where the test does not say. */
const CRAWL_BYTES = 10 * 1024;
const TURN_MS = 50;

export function startRoughProxy(
  target: () => number,
  { crawlBytes = CRAWL_BYTES }: { readonly crawlBytes?: number } = {},
): RoughProxy {
  const pairs = new Set<Pair>();
  const proxy = { mode: "clear" as RoughProxy["mode"] };
  const turnBytes = (crawlBytes * TURN_MS) / 1000;
  const listener = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(client) {
        const pair: Pair = {
          client,
          server: undefined,
          early: [],
          queue: [],
          allowance: turnBytes,
        };
        client.data = pair;
        pairs.add(pair);
        await dial(pair, target(), proxy).catch(() => client.terminate());
      },
      data({ data }, chunk) {
        if (data.server === undefined) data.early.push(Buffer.from(chunk));
        else data.server.write(chunk);
      },
      close({ data }) {
        data.server?.terminate();
        pairs.delete(data);
      },
      error() {},
    },
  });
  const crawl = setInterval(() => {
    for (const pair of pairs) {
      pair.allowance = Math.min(turnBytes, pair.allowance + turnBytes);
      crawlOn(pair);
    }
  }, TURN_MS);
  return {
    port: listener.port,
    get mode() {
      return proxy.mode;
    },
    set mode(next) {
      proxy.mode = next;
    },
    [Symbol.dispose]() {
      clearInterval(crawl);
      for (const { client } of pairs) client.terminate();
      listener.stop(true);
    },
  };
}

async function dial(pair: Pair, port: number, proxy: { mode: RoughProxy["mode"] }): Promise<void> {
  pair.server = await Bun.connect<undefined>({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        if (proxy.mode === "silent") return;
        pair.queue.push(Buffer.from(chunk));
        if (proxy.mode === "clear") forwardSome(pair, Number.POSITIVE_INFINITY);
        else crawlOn(pair);
      },
      close: () => pair.client.terminate(),
      error() {},
    },
  });
  for (const chunk of pair.early) pair.server.write(chunk);
  pair.early = [];
}

function crawlOn(pair: Pair): void {
  pair.allowance = forwardSome(pair, pair.allowance);
}

/** What is left of the bytes that may go. */
function forwardSome(pair: Pair, bytes: number): number {
  let left = bytes;
  while (left > 0) {
    const [first] = pair.queue;
    if (first === undefined) return left;
    const wrote = pair.client.write(first.subarray(0, Math.min(first.length, left)));
    if (wrote <= 0) return left;
    left -= wrote;
    if (wrote === first.length) pair.queue.shift();
    else pair.queue[0] = first.subarray(wrote);
  }
  return left;
}
