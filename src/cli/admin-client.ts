/** Talks to the admin listener of a node, for the operator commands. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errno.ts";
import { Fault, isFaultCode } from "../base/fault.ts";
import { nearestName } from "../topology/nearest.ts";
import type { Server } from "../topology/topology.ts";
import { readTopologyFile } from "./topology-file.ts";
import { checkedUrl, UsageError } from "./usage.ts";

/** A node that does not answer an operator within this is not going to. */
const ANSWER_MS = 60_000;

/** Nor is one alive that does not say so within this. */
const ALIVE_MS = 2_000;

/** Flags that say which node is meant. */
export const NODE_ARGS = {
  topology: {
    type: "string",
    valueHint: "FILE",
    description: "the topology file (TOML); else $MIR_TOPOLOGY",
  },
  server: {
    type: "string",
    valueHint: "SERVER",
    description: "the node in it that is asked; else $MIR_SERVER",
  },
  admin: {
    type: "string",
    valueHint: "URL",
    description: "address of an admin listener instead: http://host:port",
  },
} as const;

/** The same, as every operator command has them. */
export const ANY_NODE_ARGS = {
  ...NODE_ARGS,
  server: {
    ...NODE_ARGS.server,
    description: "the node that is asked; else $MIR_SERVER, else any that runs here",
  },
} as const;

/** Which node, by its flags or, where an image or a unit says it once, by the environment. */
export function meantNode(given: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
}): { readonly topology: string | undefined; readonly server: string | undefined } {
  return {
    topology: given.topology ?? (process.env["MIR_TOPOLOGY"] || undefined),
    server: given.server ?? (process.env["MIR_SERVER"] || undefined),
  };
}

export interface AdminClient {
  /** Status and text of a page, whatever they are. Throws a Fault when there is no answer within `waitMs`. */
  look(path: string, waitMs: number): Promise<{ readonly status: number; readonly text: string }>;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** What comes in answer, as it comes. */
  stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

export interface ClientOptions {
  readonly topology: string | undefined;
  readonly server: string | undefined;
  readonly admin: string | undefined;
  readonly token: string | undefined;
  /** Default: a minute. */
  readonly answerMs?: number;
  /** What is done concerns this one node, so that it is not chosen among several. */
  readonly thisOne?: boolean;
}

/** By `--admin URL`, or the socket of `--topology F --server N`. Throws UsageError or Fault. */
function openAdminClient(options: ClientOptions): AdminClient {
  const { answerMs = ANSWER_MS } = options;
  const { base, unix } = addressOf(options);
  const headers: Record<string, string> = { "X-Mir-Admin": "1" };
  if (options.token !== undefined) headers["Authorization"] = `Bearer ${options.token}`;
  const send = (path: string, init: RequestInit): Promise<Response> =>
    reach(`${base}${path}`, { ...init, headers, ...(unix === undefined ? {} : { unix }) });
  const ask = (path: string, init: RequestInit, waitMs: number): Promise<Response> =>
    send(path, { ...init, signal: AbortSignal.timeout(waitMs) });
  return {
    async look(path, waitMs) {
      const answer = await ask(path, {}, waitMs);
      return { status: answer.status, text: await answer.text() };
    },
    get: async (path) => contentOf(await ask(path, {}, answerMs)),
    post: async (path, body) =>
      contentOf(await ask(path, { method: "POST", body: JSON.stringify(body) }, answerMs)),
    async stream(path, signal) {
      const answer = await send(path, { signal });
      if (!answer.ok || answer.body === null) await contentOf(answer);
      return answer.body ?? new ReadableStream();
    },
  };
}

/** Of a node that is alive: where no server is named, the first of the topology's that answers on this machine. */
export async function findAdminClient(options: ClientOptions): Promise<AdminClient> {
  const { topology, server } = meantNode(options);
  const { admin } = options;
  if (admin !== undefined || server !== undefined || topology === undefined) {
    return openAdminClient(options);
  }
  const names = serversIn(topology).map(({ name }) => name);
  const here = serversIn(topology).filter((one) => existsSync(socketOf(one)));
  if (options.thisOne === true && here.length > 1) {
    const some = here.map(({ name }) => name).join(", ");
    throw new UsageError(
      `say which node: several of ${topology} are here; --server one of ${some}`,
    );
  }
  const aliveMs = Math.min(ALIVE_MS, options.answerMs ?? ALIVE_MS);
  for (const { name } of here) {
    const client = openAdminClient({ ...options, server: name });
    try {
      await client.look("/healthz", aliveMs);
      return client;
    } catch (error) {
      // it has left its socket behind, or it is another user's
      if (!(error instanceof Fault)) throw error;
    }
  }
  const tried = here.length === 0 ? "" : ` (tried ${here.map(socketOf).join(", ")})`;
  throw new Fault(
    "peer_failed",
    `no server of ${topology} answers on this machine${tried}: start one with mir serve, ` +
      `or use --admin URL; servers: ${names.join(", ")}`,
  );
}

function addressOf(options: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
  readonly admin: string | undefined;
}): { readonly base: string; readonly unix: string | undefined } {
  if (options.admin !== undefined)
    return { base: checkedUrl(options.admin, "admin"), unix: undefined };
  const { topology, server: name } = meantNode(options);
  if (topology === undefined || name === undefined) {
    const missing = topology === undefined ? "--topology FILE --server NAME" : "--server NAME";
    throw new UsageError(`say which node: ${missing}, or --admin URL`);
  }
  const servers = serversIn(topology);
  const server = servers.find((s) => s.name === name);
  if (server === undefined) {
    const names = servers.map((one) => one.name);
    const near = nearestName(name, names);
    const hint = near === undefined ? `: ${names.join(", ")}` : ` (did you mean ${near}?)`;
    throw new UsageError(`${topology} has no server ${name}${hint}`);
  }
  return { base: "http://mir", unix: socketOf(server) };
}

function serversIn(file: string): readonly Server[] {
  const result = readTopologyFile(file);
  if (result.kind === "mistakes") {
    throw new Fault("bad_request", `${file} has mistakes: see mir check ${file}`);
  }
  return result.topology.levels.flatMap((level) => level.servers);
}

function socketOf({ cacheDir }: Server): string {
  return join(cacheDir, ".mir", "admin.sock");
}

async function reach(url: string, init: BunFetchRequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw unreachableNode(init.unix ?? new URL(url).origin, cause);
  }
}

function unreachableNode(where: string, cause: unknown): Fault {
  const told = `no node answers at ${where}: is it running, on this machine, as this user?`;
  return new Fault("peer_failed", told, { cause: new Error(reasonOf(cause), { cause }) });
}

/** Bun's own words are advice about URLs, which nobody typed where a socket is dialled. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Error && cause.name === "TimeoutError") return "no answer in time";
  return (cause instanceof Error && REASONS.get(errnoOf(cause) ?? "")) || "the connection failed";
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no socket"],
  ["FailedToOpenSocket", "there is no socket, or nobody listens there"],
  ["ECONNREFUSED", "nobody listens there"],
  ["ConnectionRefused", "nobody listens there"],
  ["EACCES", "this user may not"],
  ["ENOTFOUND", "there is no such host"],
]);

/** The JSON of a good answer; otherwise the Fault the node told. */
async function contentOf(answer: Response): Promise<unknown> {
  const content: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return content;
  const { error } = (content ?? {}) as { error?: { code?: string; message?: string } };
  const code = error?.code !== undefined && isFaultCode(error.code) ? error.code : "internal";
  throw new Fault(code, error?.message ?? `the node answered ${answer.status}`);
}
