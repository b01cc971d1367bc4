/** A TCP proxy on loopback that holds back every piece of what the server answers. */

import { connect, createServer, type Server } from "node:net";

export interface DelayingProxy extends Disposable {
  readonly port: number;
  /** What every piece of an answer waits. */
  delayMs: number;
}

export function startDelayingProxy(to: number): Promise<DelayingProxy> {
  const { promise, resolve } = Promise.withResolvers<DelayingProxy>();
  const server: Server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (bytes) => setTimeout(() => client.write(bytes), proxy.delayMs));
    for (const socket of [client, upstream]) {
      socket.on("error", () => undefined);
      socket.on("close", () => (socket === client ? upstream : client).destroy());
    }
  });
  const proxy = {
    port: 0,
    delayMs: 0,
    [Symbol.dispose]: () => void server.close(),
  };
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    resolve(Object.assign(proxy, { port: typeof address === "object" ? (address?.port ?? 0) : 0 }));
  });
  return promise;
}
