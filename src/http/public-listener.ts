/** One public listener of one worker: Bun.serve on TCP with SO_REUSEPORT, or on a unix socket of its own. */

import { DEADLINES } from "../base/deadlines.ts";
import { isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { cannotListen, hostAndPort } from "../base/listening.ts";
import type { Log } from "../observe/log.ts";
import { workerSocketPath } from "../topology/hosts.ts";
import type { PublicListener } from "../topology/topology.ts";
import { faultResponse } from "./faults.ts";
import { finishInFlight } from "./finish.ts";
import type { Handler } from "./image.ts";
import { claimSocketPath, restrictSocket } from "./socket-path.ts";

/** The proxy in front is let in by its group. */
const SOCKET_MODE = 0o660;

export interface RunningListener {
  /** `host:port`, or the path of the socket. */
  readonly address: string;
  /** undefined on a unix socket. */
  readonly port: number | undefined;
  /** Graceful: accepts no more, and ends when what is in flight has, or after `drainFinishMs`. */
  stop(graceful: boolean): Promise<void>;
}

/** Texts of PEM files: a certificate with what it is signed by, and its key. */
export interface ServerPem {
  readonly cert: string;
  readonly key: string;
}

export interface PublicListenerOptions {
  readonly listener: PublicListener;
  /** Number of the worker from 0; names its unix socket. */
  readonly index: number;
  /** The port to bind; 0 takes a free one, which the next workers are then given. */
  readonly port: number;
  readonly handler: Handler;
  readonly log: Log;
  /** With it clients speak TLS here. */
  readonly tls?: ServerPem | undefined;
  /** Of `stop(true)`; `DEADLINES.drainFinishMs` by default. */
  readonly finishMs?: number;
}

/** Throws a Fault that says why the address cannot be had. */
export async function startPublicListener(
  options: PublicListenerOptions,
): Promise<RunningListener> {
  const { listener, index, port, log } = options;
  if (listener.type === "net") {
    const where = hostAndPort(listener.host, port);
    const server = listen(
      {
        ...serveOptions(options),
        ...tlsOf(options),
        hostname: listener.host,
        port,
        reusePort: true,
      },
      where,
    );
    const bound = server.port ?? port;
    return running(server, { address: hostAndPort(listener.host, bound), port: bound }, options);
  }
  const path = workerSocketPath(listener.path, index);
  await claimSocketPath(path, log);
  const server = listen({ ...serveOptions(options), unix: path }, path);
  restrictSocket(path, SOCKET_MODE);
  return running(server, { address: path, port: undefined }, options);
}

function tlsOf({ tls }: PublicListenerOptions): { readonly tls?: ServerPem } {
  return tls === undefined ? {} : { tls };
}

interface ListenOptions {
  readonly development: false;
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  readonly fetch: (request: Request, server: Bun.Server<undefined>) => Response | Promise<Response>;
  readonly error: (error: Error) => Response;
}

type ListenAddress =
  | {
      readonly hostname: string;
      readonly port: number;
      readonly reusePort: boolean;
      readonly tls?: ServerPem;
    }
  | { readonly unix: string };

/** Bun.serve, with its failures told as Faults. */
export function listen(
  options: ListenOptions & ListenAddress,
  where: string,
): Bun.Server<undefined> {
  try {
    // idleTimeout is typed for TCP only; it works on unix sockets too (bun-facts §3)
    return Bun.serve(options as Bun.Serve.Options<undefined>);
  } catch (error) {
    throw cannotListen(where, error);
  }
}

function serveOptions({ handler, listener, log }: PublicListenerOptions): ListenOptions {
  return {
    development: false,
    idleTimeout: DEADLINES.clientIdleMs / 1000,
    // the limits of uploads are their own, so that what is beyond them gets an answer of ours
    maxRequestBodySize: listener.upload ? LIMITS.originalBytesMax : LIMITS.requestBodyBytesMax,
    fetch: (request, server) => handler(request, server),
    error: (error) => answerError(error, log),
  };
}

/** What fails after the handler has answered: Bun opens large files only then, and one may just have been evicted. */
function answerError(error: Error, log: Log): Response {
  if (isMissing(error)) {
    const gone = new Fault("overloaded", "the picture was evicted while it was read", {
      retryAfterMs: 1000,
    });
    return faultResponse(gone, { allowOrigin: "" });
  }
  log.error("a request failed outside its handler", { error });
  return faultResponse(error, { allowOrigin: "" });
}

function running(
  server: Bun.Server<undefined>,
  bound: { readonly address: string; readonly port: number | undefined },
  options: PublicListenerOptions,
): RunningListener {
  return {
    ...bound,
    async stop(graceful) {
      if (graceful) {
        const finishMs = options.finishMs ?? DEADLINES.drainFinishMs;
        await finishInFlight(server, { port: bound.port, finishMs });
      }
      await server.stop(true);
    },
  };
}
