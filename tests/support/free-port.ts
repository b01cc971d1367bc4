/** A TCP port on loopback that nobody listens on. */

/** Where port 0 cannot be used: something must name the port before it is bound, or dial one that is dead. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
