/** Small pictures for the dashboard: from this node's disk or another's, and nobody counts them as asked for. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import type { AdminPage } from "../../../src/http/admin.ts";
import { PICTURE_PATH, pictures } from "../../../src/node/small-picture.ts";
import type { Server } from "../../../src/topology/topology.ts";
import { faultOf } from "../../support/bodies.ts";
import { putBytes } from "../../support/cache-dir.ts";
import { makeNodeParts, type NodeParts } from "../../support/node-parts.ts";

const ID = "harbour";
const relname = (size: string, ext = "jpg"): string => `ha/rb/ou/${size}/${ID}.${ext}`;

let node: NodeParts;
beforeEach(() => {
  node = makeNodeParts({ self: "edge-1", edges: ["edge-1", "edge-2"] });
});
afterEach(() => node[Symbol.dispose]());

const pageWith = (elsewhere: readonly Server[] = []): AdminPage =>
  pictures({ parts: node.parts, elsewhere: () => elsewhere, token: "secret" });
const get = async (page: AdminPage, id = ID, query = ""): Promise<Response> =>
  page(new Request(`http://mir${PICTURE_PATH}${id}${query}`));

/** An admin listener of another node. */
function answering(fetch: (request: Request) => Response | Promise<Response>) {
  const listener = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  const admin = { host: "127.0.0.1", port: listener.port ?? 0 };
  const server = { name: "edge-2", cacheDir: "/nowhere", privates: [], admin } as unknown;
  return { server: server as Server, [Symbol.dispose]: () => void listener.stop(true) };
}

describe("a small picture", () => {
  test("is the variant of fewest bytes on disk, and counts as no access", async () => {
    putBytes(node.parts.cache, relname("md"), 5000);
    putBytes(node.parts.cache, relname("xs", "webp"), 700);
    putBytes(node.parts.cache, relname("placeholder", "webp"), 90);
    putBytes(node.parts.cache, relname("orig"), 60);
    const answer = await get(pageWith());
    expect(answer.headers.get("content-type")).toBe("image/webp");
    expect((await answer.bytes()).length).toBe(700);
    expect([node.watched.count("lru_hit"), node.watched.count("lru_miss")]).toEqual([0, 0]);
  });

  test("is a placeholder where there is nothing else of at most pictureBytesMax", async () => {
    putBytes(node.parts.cache, relname("xl"), LIMITS.pictureBytesMax + 1);
    expect((await faultOf(get(pageWith()))).code).toBe("not_found");
    putBytes(node.parts.cache, relname("placeholder", "webp"), 90);
    expect((await (await get(pageWith())).bytes()).length).toBe(90);
    putBytes(node.parts.cache, relname("lg"), LIMITS.pictureBytesMax);
    expect((await (await get(pageWith())).bytes()).length).toBe(LIMITS.pictureBytesMax);
  });

  test("is had from another node, with the token, when it is not here", async () => {
    const asked: string[] = [];
    using other = answering((request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(`${pathname}${search} ${request.headers.get("authorization")}`);
      return new Response("picture", { headers: { "content-type": "image/webp" } });
    });
    const answer = await get(pageWith([other.server]));
    expect([await answer.text(), answer.headers.get("content-type")]).toEqual([
      "picture",
      "image/webp",
    ]);
    expect(asked).toEqual(["/picture/harbour?here Bearer secret"]);
  });

  test("is asked for no further by a node that is asked by another", async () => {
    using other = answering(() => new Response("", { headers: { "content-type": "image/webp" } }));
    const fault = await faultOf(get(pageWith([other.server]), ID, "?here"));
    expect(fault.code).toBe("not_found");
  });

  test("that is no picture, or too large, is not taken from another node", async () => {
    using page = answering(
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    );
    using large = answering(
      () =>
        new Response("x".repeat(LIMITS.pictureBytesMax + 1), {
          headers: { "content-type": "image/webp" },
        }),
    );
    const fault = await faultOf(get(pageWith([page.server, large.server])));
    expect(fault.code).toBe("not_found");
  });

  test("is asked of others for picturesAskedMax at once", async () => {
    const held = Promise.withResolvers<void>();
    using other = answering(async () => {
      await held.promise;
      return new Response("picture", { headers: { "content-type": "image/webp" } });
    });
    const page = pageWith([other.server]);
    const waiting = Array.from({ length: LIMITS.picturesAskedMax }, (_, i) =>
      get(page, `photo-${i}`),
    );
    expect((await faultOf(get(page, "one-more"))).code).toBe("overloaded");
    held.resolve();
    const answers = await Promise.all(waiting);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  test("of a name that is none is not looked for", async () => {
    for (const id of ["", "a", "a/b", "..%2fetc", "x".repeat(200)]) {
      expect((await faultOf(get(pageWith(), id))).code).toBe("not_found");
    }
  });
});
