/** Talks to the admin listener of a node, for the operator commands. */

import { join } from "node:path";
import { Fault, isFaultCode } from "../base/fault.ts";
import { readTopologyFile } from "./topology-file.ts";
import { UsageError } from "./usage.ts";

/** A node that does not answer an operator within this is not going to. */
const ANSWER_MS = 60_000;

/** Flags that say which node is meant; every operator command has them. */
export const NODE_ARGS = {
  topology: { type: "string", description: "the topology file (TOML)" },
  server: { type: "string", description: "the node in it that is asked" },
  admin: { type: "string", description: "address of an admin listener instead: http://host:port" },
} as const;

export interface AdminClient {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
}

/** By `--admin URL`, or the socket of `--topology F --server N`. Throws UsageError or Fault. */
export function openAdminClient(options: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
  readonly admin: string | undefined;
  readonly token: string | undefined;
}): AdminClient {
  const { base, unix } = addressOf(options);
  const headers: Record<string, string> = { "X-Mir-Admin": "1" };
  if (options.token !== undefined) headers["Authorization"] = `Bearer ${options.token}`;
  const ask = async (path: string, init: RequestInit): Promise<unknown> => {
    const answer = await reach(`${base}${path}`, {
      ...init,
      headers,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(unix === undefined ? {} : { unix }),
    });
    return contentOf(answer);
  };
  return {
    get: (path) => ask(path, {}),
    post: (path, body) => ask(path, { method: "POST", body: JSON.stringify(body) }),
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
  if (options.topology === undefined || options.server === undefined) {
    throw new UsageError("say which node: --topology FILE --server NAME, or --admin URL");
  }
  const result = readTopologyFile(options.topology);
  if (result.kind === "mistakes") {
    throw new Fault("bad_request", `${options.topology} has mistakes: see mir check`);
  }
  const servers = result.topology.levels.flatMap((level) => level.servers);
  const server = servers.find((s) => s.name === options.server);
  if (server === undefined) {
    throw new UsageError(`${options.topology} has no server ${options.server}`);
  }
  return { base: "http://mir", unix: join(server.cacheDir, ".mir", "admin.sock") };
}

async function reach(url: string, init: BunFetchRequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw unreachableNode(cause);
  }
}

function unreachableNode(cause: unknown): Fault {
  return new Fault("peer_failed", "the node does not answer: is it running here?", { cause });
}

/** The JSON of a good answer; otherwise the Fault the node told. */
async function contentOf(answer: Response): Promise<unknown> {
  const content: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return content;
  const { error } = (content ?? {}) as { error?: { code?: string; message?: string } };
  const code = error?.code !== undefined && isFaultCode(error.code) ? error.code : "internal";
  throw new Fault(code, error?.message ?? `the node answered ${answer.status}`);
}
