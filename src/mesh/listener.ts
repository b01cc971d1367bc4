/** Answering peers: the server side of the control protocol (spec §3). */

import type { Socket, SocketHandler, TLSOptions } from "bun";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { cannotListen, hostAndPort } from "../base/listening.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type MeshDeadlines, meshDeadlines } from "./alarm.ts";
import { certificateOf } from "./certificate.ts";
import {
  type Credentials,
  NO_CREDENTIALS,
  refuseOpenControl,
  type TlsPem,
  tlsProblem,
} from "./credentials.ts";
import { Session } from "./session.ts";
import type { PeerHandlers } from "./tell.ts";

export interface Listener {
  /** The one bound, also when 0 was asked for. */
  readonly port: number;
  /** Open now. */
  readonly connections: number;
  /**
   * Accepts no more, closes idle connections, lets requests under way finish for `drainFinishMs`, and
   * resolves when no connection is left.
   */
  stop(): Promise<void>;
}

export interface ListenerOptions {
  /** Address to bind; a name is resolved. */
  readonly host: string;
  readonly port: number;
  readonly handlers: PeerHandlers;
  /** Name of this node; said in the hello. */
  readonly self: string;
  /** Of the topology, read anew each time; another one in a request is counted, never refused. */
  readonly epoch: string;
  /** `[security] insecure`: bind other than loopback without authentication, serve legacy peers from anywhere. */
  readonly insecure: boolean;
  /** Default: none. With a control key, a peer that does not prove that it knows it is served nothing. */
  readonly credentials?: Credentials;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  /** Several threads share the port. */
  readonly reusePort: boolean;
  readonly deadlines?: Partial<MeshDeadlines>;
  /** Default LIMITS.listenerConnectionsMax. */
  readonly connectionsMax?: number;
}

/** Throws a Fault for an address that may not or cannot be bound. */
export function startListener(options: ListenerOptions): Listener {
  const { host, port, insecure, counters, log, credentials = NO_CREDENTIALS } = options;
  refuseOpenControl({ host, port, insecure, credentials });
  const deadlines = meshDeadlines(options.deadlines);
  const connectionsMax = options.connectionsMax ?? LIMITS.listenerConnectionsMax;
  const sessions = new Set<Session>();
  let emptied: PromiseWithResolvers<void> | undefined;

  const accept = (socket: Socket<Session | undefined>): void => {
    if (emptied !== undefined || sessions.size >= connectionsMax) {
      if (emptied === undefined) {
        counters.add("peer_refused");
        log.warn("peer refused", { peer: socket.remoteAddress, reason: "too many connections" });
      }
      socket.terminate();
      return;
    }
    const onClosed = (): void => {
      sessions.delete(session);
      if (sessions.size === 0) emptied?.resolve();
    };
    const session: Session = new Session(socket, {
      ...options,
      credentials,
      // a copy of its value would stay behind when the topology changes
      get epoch() {
        return options.epoch;
      },
      deadlines,
      onClosed,
    });
    socket.data = session;
    sessions.add(session);
  };

  // `reusePort` is there at run time; the types have it for connecting only
  const listening = {
    hostname: host,
    port,
    reusePort: options.reusePort,
    socket: handlers(accept),
    ...(credentials.tls !== undefined && { tls: serverTls(credentials.tls) }),
  };
  const server = bind(() => Bun.listen<Session | undefined>(listening), hostAndPort(host, port));
  return {
    port: server.port,
    get connections() {
      return sessions.size;
    },
    async stop() {
      server.stop(false);
      if (sessions.size === 0) return;
      emptied ??= Promise.withResolvers();
      for (const session of [...sessions]) session.drain();
      const timer = setTimeout(() => {
        for (const session of [...sessions]) session.terminate();
      }, deadlines.drainFinishMs);
      await emptied.promise;
      clearTimeout(timer);
    },
  };
}

function bind<T>(listen: () => T, where: string): T {
  try {
    return listen();
  } catch (error) {
    throw cannotListen(where, error);
  }
}

/** `requestCert` with `rejectUnauthorized`: a client without a certificate of the CA gets no further. */
function serverTls({ cert, key, ca }: TlsPem): TLSOptions {
  return { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}

function handlers(
  accept: (socket: Socket<Session | undefined>) => void,
): SocketHandler<Session | undefined> {
  return {
    // plain ones at run time: the slice() of a Buffer would not copy
    binaryType: "uint8array",
    open: accept,
    handshake(socket, ok, error) {
      if (ok && socket.authorized) socket.data?.secured(certificateOf(socket));
      else socket.data?.unsecured(tlsProblem(error));
    },
    data(socket, bytes) {
      socket.data?.received(bytes);
    },
    drain(socket) {
      socket.data?.drained();
    },
    close(socket) {
      socket.data?.terminate();
    },
    error(socket) {
      socket.data?.terminate();
    },
  };
}
