/** The TCP addresses of a node are its own before its worker threads share them among themselves. */

import { cannotListen, hostAndPort } from "../base/listening.ts";
import type { Server } from "../topology/topology.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Worker threads bind with SO_REUSEPORT, so that a second node of the same user would get half of the
 * connections without an error. A bind without it is refused while anybody listens; a guard (an abstract
 * unix socket, which ends with its process) is there for two nodes that start in the same moment. Held until
 * disposed. Throws a Fault that names the address. Port 0 needs none: the system gives it to nobody else.
 */
export function claimAddresses({ publics, privates }: Server): Disposable {
  const open = publics.flatMap((l) => (l.type === "net" ? [{ host: l.host, port: l.port }] : []));
  const peers = privates.map(({ bind, port }) => ({ host: bind, port }));
  using claimed = new DisposableStack();
  for (const address of [...open, ...peers]) {
    if (address.port !== 0) claimed.use(claim(address));
  }
  return claimed.move();
}

function claim({ host, port }: Address): Disposable {
  const where = hostAndPort(host, port);
  try {
    const guard = guardOf(where);
    try {
      Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    } catch (error) {
      guard[Symbol.dispose]();
      throw error;
    }
    return guard;
  } catch (error) {
    throw cannotListen(where, error);
  }
}

/** Other systems have no abstract sockets, and only the look at the address. */
function guardOf(where: string): Disposable {
  if (process.platform !== "linux") return { [Symbol.dispose]() {} };
  // SO_REUSEPORT is for sockets of one user only
  const name = `\0mir-listen-${process.geteuid?.()}-${where}`;
  const listener = Bun.listen({ unix: name, socket: { data() {} } });
  return { [Symbol.dispose]: () => listener.stop(true) };
}
