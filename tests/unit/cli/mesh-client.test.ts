/** A mesh as a node tells it again and again. */

import { describe, expect, test } from "bun:test";
import type { AdminClient } from "../../../src/cli/admin-client.ts";
import { followMeshEvents, meshOf } from "../../../src/cli/mesh-client.ts";
import type { MeshDocument } from "../../../src/http/mesh-document.ts";
import { meshDocument, statusDocument } from "../../support/status-documents.ts";

const MESH = meshDocument([{ name: "edge-1", status: statusDocument(), statusAt: 100 }]);
const never = new AbortController().signal;

function client(...chunks: readonly string[]): AdminClient {
  const no = (): Promise<never> => Promise.reject(new Error("not asked here"));
  const stream = async () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
  return { look: no, get: no, post: no, stream };
}

async function follow(from: AdminClient, bytesMax?: number): Promise<[MeshDocument[], string]> {
  const got: MeshDocument[] = [];
  try {
    for await (const mesh of followMeshEvents(from, never, bytesMax)) got.push(mesh);
  } catch (error) {
    return [got, error instanceof Error ? error.message : ""];
  }
  return [got, ""];
}

describe("the events of a node", () => {
  const event = `event: mesh\ndata: ${JSON.stringify(MESH)}\n\n`;

  test("are read however they are cut, and their end is a fault", async () => {
    const text = `retry: 1000\n\n${event}: a comment\n\n${event}`;
    const pieces = text.match(/.{1,7}/gs) ?? [];
    const [got, fault] = await follow(client(...pieces));
    expect(got).toEqual([MESH, MESH]);
    expect(fault).toBe("the node has ended the stream");
  });

  test("of more than they may have are not read to their end", async () => {
    expect(await follow(client(event), event.length - 1)).toEqual([
      [],
      "an event of the node is too long",
    ]);
  });

  test("that are no mesh are refused", async () => {
    expect((await follow(client("event: mesh\ndata: {\n\n")))[1]).toContain("not JSON");
    expect((await follow(client("event: mesh\ndata: {}\n\n")))[1]).toContain("another version");
  });
});

test("a server whose status is of another version is shown without it", () => {
  const json: unknown = JSON.parse(
    JSON.stringify(MESH).replace('"uptimeSeconds":7', '"uptimeSeconds":"7"'),
  );
  const [server] = meshOf(json).levels[0]?.servers ?? [];
  expect(server?.status).toBeUndefined();
  expect(server?.statusReason).toBe("it is of another version: uptimeSeconds");
});
