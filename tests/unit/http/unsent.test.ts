/** What of an answer still waits to be taken, as the kernel tells. */

import { expect, test } from "bun:test";
import { hasUnsent } from "../../../src/http/unsent.ts";
import { until } from "../../support/until.ts";

test("bytes that a client does not take are seen, and gone once it has taken them", async () => {
  const accepted = Promise.withResolvers<Bun.Socket>();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => accepted.resolve(socket), data() {} },
  });
  const client = await Bun.connect({
    hostname: "127.0.0.1",
    port: listener.port,
    socket: { data() {} },
  });
  const server = await accepted.promise;
  expect(hasUnsent(listener.port)).toBe(false);
  client.pause();
  const chunk = new Uint8Array(1024 * 1024);
  await until(() => {
    server.write(chunk);
    return hasUnsent(listener.port);
  });
  // the client's end of the connection has another local port, and nothing to send
  expect(hasUnsent(client.localPort)).toBe(false);
  client.resume();
  await until(() => !hasUnsent(listener.port));
  client.terminate();
  listener.stop(true);
});

test("a port nobody has is quiet", () => {
  expect(hasUnsent(1)).toBe(false);
});
