/** Talks to the admin listener of a node, for the operator commands. */

import { join } from "node:path";
import { Fault, isFaultCode } from "../base/fault.ts";
import { readTopologyFile } from "./topology-file.ts";
import { UsageError } from "./usage.ts";

/** A node that does not answer an operator within this is not going to. */
const ANSWER_MS = 60_000;

/** Flags that say which node is meant; every operator command has them. */
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
}

/** By `--admin URL`, or the socket of `--topology F --server N`. Throws UsageError or Fault. */
export function openAdminClient(options: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
  readonly admin: string | undefined;
  readonly token: string | undefined;
  /** Default: a minute. */
  readonly answerMs?: number;
}): AdminClient {
  const { answerMs = ANSWER_MS } = options;
  const { base, unix } = addressOf(options);
  const headers: Record<string, string> = { "X-Mir-Admin": "1" };
  if (options.token !== undefined) headers["Authorization"] = `Bearer ${options.token}`;
  const ask = (path: string, init: RequestInit, waitMs: number): Promise<Response> =>
    reach(`${base}${path}`, {
      ...init,
      headers,
      signal: AbortSignal.timeout(waitMs),
      ...(unix === undefined ? {} : { unix }),
    });
  return {
    async look(path, waitMs) {
      const answer = await ask(path, {}, waitMs);
      return { status: answer.status, text: await answer.text() };
    },
    get: async (path) => contentOf(await ask(path, {}, answerMs)),
    post: async (path, body) =>
      contentOf(await ask(path, { method: "POST", body: JSON.stringify(body) }, answerMs)),
  };
}

function addressOf(options: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
  readonly admin: string | undefined;
}): { readonly base: string; readonly unix: string | undefined } {
  if (options.admin !== undefined) {
    return { base: options.admin.replace(/\/+$/, ""), unix: undefined };
  }
  const { topology, server: name } = meantNode(options);
  if (topology === undefined || name === undefined) {
    throw new UsageError("say which node: --topology FILE --server NAME, or --admin URL");
  }
  const result = readTopologyFile(topology);
  if (result.kind === "mistakes") {
    throw new Fault("bad_request", `${topology} has mistakes: see mir check`);
  }
  const servers = result.topology.levels.flatMap((level) => level.servers);
  const server = servers.find((s) => s.name === name);
  if (server === undefined) {
    throw new UsageError(`${topology} has no server ${name}`);
  }
  return { base: "http://mir", unix: join(server.cacheDir, ".mir", "admin.sock") };
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
  return new Fault("peer_failed", told, { cause });
}

/** The JSON of a good answer; otherwise the Fault the node told. */
async function contentOf(answer: Response): Promise<unknown> {
  const content: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return content;
  const { error } = (content ?? {}) as { error?: { code?: string; message?: string } };
  const code = error?.code !== undefined && isFaultCode(error.code) ? error.code : "internal";
  throw new Fault(code, error?.message ?? `the node answered ${answer.status}`);
}
