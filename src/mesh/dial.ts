/** Opening a connection to a peer: its addresses in order, each within its time. */

import type { SocketHandler } from "bun";
import { asFault, Fault } from "../base/fault.ts";
import { AuthRefused } from "./auth.ts";
import { certificateOf } from "./certificate.ts";
import { type TlsPem, tlsProblem } from "./credentials.ts";
import type { DialGreeting } from "./dial-greeting.ts";
import { LinkConnection, type LinkConnectionOptions } from "./link-connection.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface DialOptions extends LinkConnectionOptions {
  /** With it the listener's certificate has to be good for the host that is dialled. */
  readonly tls: TlsPem | undefined;
}

const HANDLERS: SocketHandler<LinkConnection> = {
  // plain ones at run time: the slice() of a Buffer would not copy
  binaryType: "uint8array",
  open(socket) {
    socket.data.opened(socket);
  },
  data(socket, bytes) {
    socket.data.received(bytes);
  },
  handshake(socket, ok, error) {
    if (ok && socket.authorized) socket.data.certified(certificateOf(socket));
    else socket.data.fail(new AuthRefused(tlsProblem(error)));
  },
  drain(socket) {
    socket.data.drained();
  },
  close(socket, error) {
    socket.data.ended(error);
  },
  error(socket, error) {
    socket.data.ended(error);
  },
  connectError(socket, error) {
    socket.data.ended(error);
  },
};

/** Makes the connection; another kind of one has its own. */
type Make = (options: LinkConnectionOptions) => LinkConnection;
const makePlain: Make = (options) => new LinkConnection(options);

/**
 * A connection that has exchanged hellos; without a greeting, one to a legacy peer. Rejects with the last
 * address's Fault when none answers.
 */
export async function dial(
  addresses: readonly Address[],
  greeting: () => DialGreeting | undefined,
  options: DialOptions,
  make: Make = makePlain,
): Promise<LinkConnection> {
  let last = new Fault("peer_failed", `the node ${options.peer} has no address`);
  for (const address of addresses) {
    try {
      return await dialOne(address, greeting(), options, make);
    } catch (error) {
      last = asFault(error);
    }
  }
  throw last;
}

async function dialOne(
  { host, port }: Address,
  greeting: DialGreeting | undefined,
  options: DialOptions,
  make: Make,
): Promise<LinkConnection> {
  const { peer, deadlines, tls } = options;
  let greeted = false;
  const connection = make({
    ...options,
    // until it has been handed over nobody else knows of it
    onClosed: (closed) => {
      if (greeted) options.onClosed(closed);
    },
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const fault = new Fault("peer_failed", `the node ${peer} does not accept connections`);
    connection.fail(fault);
    late.reject(fault);
  }, deadlines.connectMs);
  try {
    await Promise.race([
      Bun.connect({
        hostname: host,
        port,
        data: connection,
        socket: HANDLERS,
        ...(tls !== undefined && { tls: { ...tls, rejectUnauthorized: true } }),
      }),
      late.promise,
    ]);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw unreachablePeer(peer, error);
  } finally {
    clearTimeout(timer);
  }
  if (greeting === undefined) connection.skipGreeting();
  else await connection.greet(greeting);
  greeted = true;
  return connection;
}

function unreachablePeer(peer: string, cause: unknown): Fault {
  return new Fault("peer_failed", `the node ${peer} cannot be reached`, { cause });
}
