/** What operators and their tools ask a node: alive, ready, status, metrics; on a socket only its owner can open (spec §11). */

import { timingSafeEqual } from "node:crypto";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { hostAndPort } from "../base/listening.ts";
import { EXPOSITION_TYPES, type ExpositionFormat, formatFor } from "../observe/exposition.ts";
import type { Log } from "../observe/log.ts";
import { isLoopback } from "../topology/hosts.ts";
import { openAdminSocket } from "./admin-socket.ts";
import { DASHBOARD_PATHS } from "./dashboard-files.ts";
import { faultResponse } from "./faults.ts";
import type { RequestTimer } from "./image.ts";
import { pathOfTarget } from "./image-url.ts";
import { refuseForeign } from "./own-host.ts";
import { listen } from "./public-listener.ts";
import type { StatusDocument } from "./status-document.ts";

export type AdminHandler = (
  request: Request,
  server?: RequestTimer,
) => Response | Promise<Response>;

const TO_OPERATOR = { allowOrigin: "", forOperator: true } as const;

/** What a GET answers beside the pages that every node has. May throw Faults. */
export type AdminPage = (request: Request, server?: RequestTimer) => Response | Promise<Response>;

/** What a POST does: its JSON body in, the JSON answer out. Throws Faults. */
export type AdminAction = (body: unknown) => Promise<unknown>;

export interface RunningAdmin {
  readonly listeners: readonly {
    readonly kind: "admin";
    readonly address: string;
    readonly port: number | undefined;
  }[];
  /** Binds the socket again where somebody has removed it. */
  look(): Promise<void>;
  /** Why the socket cannot be reached, in a line. */
  trouble(): string | undefined;
  stop(): Promise<void>;
}

export function makeAdminHandler(options: {
  readonly status: () => StatusDocument;
  readonly metrics: (format: ExpositionFormat) => string;
  readonly ready: () => boolean;
  /** Why requests should go elsewhere though it does not drain, and why only a restart helps. */
  readonly unready?: () => string | undefined;
  readonly unwell?: () => string | undefined;
  /** What is out of order though requests are answered; a line each below `ready`. */
  readonly remarks?: () => readonly string[];
  /** By path, like `/mesh`; with a slash at the end, all that begins with it. */
  readonly pages?: Readonly<Record<string, AdminPage>>;
  /** By path, like `/purge`. */
  readonly actions?: Readonly<Record<string, AdminAction>>;
}): AdminHandler {
  const actions = new Map(Object.entries(options.actions ?? {}));
  const { ready, unready = () => undefined, unwell = () => undefined } = options;
  const pages = new Map<string, AdminPage>(
    Object.entries({
      "/healthz": () => saying("ok", unwell()),
      "/readyz": () => saying(readyText(options), ready() ? unready() : "draining"),
      "/status": () => page(200, JSON.stringify(options.status()), "application/json"),
      "/metrics": (request: Request) => {
        const format = formatFor(request.headers.get("accept"));
        return page(200, options.metrics(format), EXPOSITION_TYPES[format]);
      },
      ...options.pages,
    }),
  );
  return async (request, server) => {
    try {
      const path = pathOfTarget(request.url);
      const action = actions.get(path);
      if (action !== undefined) return act(request, action);
      const answer = pages.get(path) ?? pages.get(path.slice(0, path.indexOf("/", 1) + 1));
      if (answer === undefined) {
        throw new Fault("not_found", "the admin listener has no such page");
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw new Fault("method_not_allowed", "that method is not served here");
      }
      return await answer(request, server);
    } catch (error) {
      return faultResponse(error, { ...TO_OPERATOR, headers: { Allow: "GET, HEAD" } });
    }
  };
}

/** A page in a browser cannot send that header to another site unasked, so it proves a tool of the operator's. */
async function act(request: Request, action: AdminAction): Promise<Response> {
  const refusal = { ...TO_OPERATOR, headers: { Allow: "POST" } };
  try {
    if (request.method !== "POST") {
      throw new Fault("method_not_allowed", "that is done by POST");
    }
    if (request.headers.get("x-mir-admin") !== "1") {
      throw new Fault("bad_request", "the header X-Mir-Admin: 1 is missing");
    }
    return page(200, JSON.stringify(await action(await jsonOf(request))), "application/json");
  } catch (error) {
    return faultResponse(error, refusal);
  }
}

async function jsonOf(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(cause);
  }
}

function notJson(cause: unknown): Fault {
  return new Fault("bad_request", "the body is not JSON", { cause });
}

/** Throws a Fault when others can reach the address and no token is asked for. */
export function refuseOpenAdmin(
  tcp: { readonly host: string; readonly port: number } | undefined,
  token: string | undefined,
): void {
  if (tcp === undefined || token !== undefined || isLoopback(tcp.host)) return;
  throw new Fault(
    "bad_request",
    `the admin listener ${hostAndPort(tcp.host, tcp.port)} is open to others: set MIR_ADMIN_TOKEN, ` +
      "or bind it to 127.0.0.1",
  );
}

/**
 * The socket is for whoever owns the node's files; `tcp` beyond loopback needs a token, and where there is
 * one every request over TCP must carry it. Throws a Fault that says why an address cannot be had.
 */
export async function startAdminListener(options: {
  readonly socketPath: string;
  readonly tcp: { readonly host: string; readonly port: number } | undefined;
  readonly token: string | undefined;
  readonly handler: AdminHandler;
  readonly log: Log;
}): Promise<RunningAdmin> {
  const { socketPath, tcp, token, handler, log } = options;
  refuseOpenAdmin(tcp, token);
  const common = {
    development: false,
    idleTimeout: DEADLINES.clientIdleMs / 1000,
    maxRequestBodySize: LIMITS.requestBodyBytesMax,
    error: (error: Error) => answerError(error, log),
  } as const;
  const onSocket = { ...common, unix: socketPath, fetch: handler };
  const serve = (): Bun.Server<undefined> => listen(onSocket, socketPath);
  const socket = await openAdminSocket({ path: socketPath, serve, log });
  const here = { kind: "admin", address: socketPath, port: undefined } as const;
  if (tcp === undefined) return { ...socket, listeners: [here] };
  try {
    const where = hostAndPort(tcp.host, tcp.port);
    const fetch = token === undefined ? fromHere(handler, tcp.host) : guarded(handler, token);
    const net = listen(
      { ...common, hostname: tcp.host, port: tcp.port, reusePort: false, fetch },
      where,
    );
    const port = net.port ?? tcp.port;
    return {
      ...socket,
      listeners: [here, { kind: "admin", address: hostAndPort(tcp.host, port), port }],
      async stop() {
        await Promise.all([socket.stop(), net.stop(true)]);
      },
    };
  } catch (error) {
    await socket.stop();
    throw error;
  }
}

/** Where nobody shows a token, browsers are not to lend other websites their way to loopback. */
function fromHere(handler: AdminHandler, host: string): AdminHandler {
  return (request, server) => {
    try {
      refuseForeign(request.headers, host);
    } catch (error) {
      return faultResponse(error, TO_OPERATOR);
    }
    return handler(request, server);
  };
}

/** Hashes are compared, so that neither the time nor the length tells how much of a guess is right. */
function guarded(handler: AdminHandler, token: string): AdminHandler {
  const expected = sha256(`Bearer ${token}`);
  const open: readonly string[] = DASHBOARD_PATHS;
  return (request, server) => {
    if (open.includes(pathOfTarget(request.url))) return handler(request, server);
    const given = sha256(request.headers.get("authorization") ?? "");
    if (timingSafeEqual(given, expected)) return handler(request, server);
    return faultResponse(
      new Fault("unauthorized", "the admin token is missing or wrong"),
      TO_OPERATOR,
    );
  };
}

function sha256(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}

function answerError(error: Error, log: Log): Response {
  log.error("an admin request failed", { error });
  return faultResponse(error, TO_OPERATOR);
}

function readyText({ remarks }: { readonly remarks?: () => readonly string[] }): string {
  return ["ready", ...(remarks?.() ?? [])].join("\n");
}

/** 200 with `good`, unless there is something against it. */
function saying(good: string, against: string | undefined): Response {
  return against === undefined ? plain(200, good) : plain(503, against);
}

function plain(status: number, text: string): Response {
  return page(status, text, "text/plain;charset=utf-8");
}

function page(status: number, text: string, type: string): Response {
  return new Response(text, {
    status,
    headers: {
      "Content-Type": type,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
