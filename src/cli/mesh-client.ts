/** Asks a node for the whole mesh, once or again and again. */

import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { MeshDocument, MeshServer } from "../http/mesh-document.ts";
import { parseStatus } from "../http/status-schema.ts";
import type { AdminClient } from "./admin-client.ts";

const server = v.pipe(
  v.object({
    name: v.string(),
    region: v.nullable(v.string()),
    draining: v.boolean(),
    state: v.picklist(["up", "suspect", "down", "unknown"]),
    seenBy: v.nullable(v.string()),
    rttMs: v.nullable(v.number()),
    status: v.optional(v.unknown()),
    statusAt: v.optional(v.number()),
    statusReason: v.optional(v.string()),
  }),
  v.transform(({ status, statusAt, statusReason, ...facts }): MeshServer => {
    const parsed = status === undefined ? undefined : parseStatus(status);
    if (parsed?.kind === "status" && statusAt !== undefined) {
      return { ...facts, status: parsed.status, statusAt };
    }
    const wrong = parsed?.kind === "wrong" ? `it is of another version: ${parsed.at}` : undefined;
    return { ...facts, statusReason: wrong ?? statusReason ?? "it has not told" };
  }),
);

const MESH: v.GenericSchema<unknown, MeshDocument> = v.object({
  at: v.number(),
  server: v.string(),
  name: v.string(),
  epoch: v.string(),
  levels: v.array(
    v.object({
      level: v.number(),
      servers: v.array(server),
      origins: v.array(
        v.object({
          name: v.string(),
          kind: v.picklist(["directory", "s3"]),
          leftAlone: v.boolean(),
        }),
      ),
    }),
  ),
});

/** Throws a Fault. */
export async function fetchMesh(client: AdminClient): Promise<MeshDocument> {
  return meshOf(await client.get("/mesh"));
}

export function meshOf(json: unknown): MeshDocument {
  const parsed = v.safeParse(MESH, json);
  if (parsed.success) return parsed.output;
  throw new Fault("internal", "the node gave an answer of another version");
}

/**
 * Each second, as the node sends it, until the signal aborts; ends by a Fault when the node goes away, or sends an event
 * of more than `bytesMax`.
 */
export async function* followMeshEvents(
  client: AdminClient,
  signal: AbortSignal,
  bytesMax: number = LIMITS.meshEventBytesMax,
): AsyncGenerator<MeshDocument> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of await client.stream("/events", signal)) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > bytesMax) throw new Fault("bad_request", "an event of the node is too long");
    const events = rest.split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = dataOf(event);
      if (data !== undefined) yield meshOf(data);
    }
  }
  throw new Fault("peer_failed", "the node has ended the stream");
}

/** Of an event `mesh`; undefined for what is none. */
function dataOf(event: string): unknown {
  const lines = event.split("\n");
  if (!lines.includes("event: mesh")) return undefined;
  const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  try {
    return JSON.parse(data.join("\n"));
  } catch (cause) {
    throw new Fault("internal", "an event of the node is not JSON", { cause });
  }
}
