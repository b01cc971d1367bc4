/** A TCP port on loopback that nobody listens on. */

/** The system may name a port twice when nobody has listened on it in between. */
const given = new Set<number>();

/**
 * A port nobody listens on now, and another one each time. Where port 0 cannot be used: something must name the port
 * before it is bound, or dial one that is dead.
 */
export function freePort(): number {
  for (;;) {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = listener;
    listener.stop(true);
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
