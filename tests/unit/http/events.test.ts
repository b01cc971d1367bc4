/** The mesh as server-sent events: whole ones, to a bounded number of clients, for as long as they take them. */

import { afterEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { makeAdminHandler } from "../../../src/http/admin.ts";
import { type Events, makeEvents } from "../../../src/http/events.ts";
import type { MeshDocument } from "../../../src/http/mesh-document.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { meshDocument, statusDocument } from "../../support/status-documents.ts";
import { until } from "../../support/until.ts";

const running: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

interface Site {
  readonly url: string;
  readonly events: Events;
  /** Documents that were made so far. */
  looks(): number;
  /** Something happens. */
  happen(): void;
}

function serve(document: MeshDocument = meshDocument([])): Site {
  let looks = 0;
  let stamp = 0;
  const look = async (): Promise<MeshDocument> => ({ ...document, at: ++looks });
  const events = makeEvents({ look, stamp: () => String(stamp), log: silentLog });
  const handler = makeAdminHandler({
    ...{ status: () => statusDocument(), metrics: () => "", ready: () => true },
    pages: { "/events": events.page },
  });
  const fetch = (request: Request, server: Bun.Server<undefined>) => handler(request, server);
  const listener = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 60, fetch });
  running.push(() => listener.stop(true));
  return {
    url: `http://127.0.0.1:${listener.port}/events`,
    events,
    looks: () => looks,
    happen: () => void stamp++,
  };
}

/** Text as it comes; closing gives the stream up. */
async function follow(url: string) {
  const gone = new AbortController();
  running.push(() => gone.abort());
  const answer = await fetch(url, { signal: gone.signal });
  let text = "";
  let end: string | undefined;
  void (async () => {
    try {
      const decoder = new TextDecoder();
      for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
      end = "ended";
    } catch {
      end = "broke off";
    }
  })();
  return { answer, text: () => text, end: () => end, leave: () => gone.abort() };
}

describe("events", () => {
  test("begin with when to come back, then the mesh at once, and again each second", async () => {
    const { url } = serve();
    const client = await follow(url);
    expect(client.answer.headers.get("content-type")).toBe("text/event-stream");
    expect(client.answer.headers.get("cache-control")).toBe("no-store");
    await until(() => client.text().split("\n\n").length > 3, "two events");
    const [retry, first = "", second = ""] = client.text().split("\n\n");
    expect(retry).toBe("retry: 1000");
    const at = (event: string): unknown => JSON.parse(event.replace("event: mesh\ndata: ", "")).at;
    expect([at(first), at(second)]).toEqual([1, 2]);
  });

  test("are made once for all clients, and not at all while there is none", async () => {
    const { url, looks } = serve();
    expect(looks()).toBe(0);
    const clients = await Promise.all([follow(url), follow(url), follow(url)]);
    await until(() => clients.every((client) => client.text().includes('"at":2')), "all have it");
    expect(looks()).toBe(2);
    for (const client of clients) client.leave();
    const before = looks();
    const late = await follow(url);
    await until(() => late.text().includes(`"at":${before + 1}`), "made for a new one");
  });

  test("come at once when something has happened, not with the next second", async () => {
    const [busy, quiet] = [serve(), serve()];
    await Promise.all([follow(busy.url), follow(quiet.url)]);
    for (let n = 2; n <= 6; n++) {
      busy.happen();
      await until(() => busy.looks() >= n, "told");
    }
    expect(quiet.looks()).toBeLessThan(busy.looks());
  });

  test("go to eventClientsMax clients; the next one is refused until one leaves", async () => {
    const { url } = serve();
    const clients = await Promise.all(
      Array.from({ length: LIMITS.eventClientsMax }, () => follow(url)),
    );
    await until(() => clients.every((client) => client.text() !== ""), "all served");
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "20"]);
    await refused.body?.cancel();
    clients[0]?.leave();
    await until(async () => {
      const client = await follow(url);
      if (client.answer.status === 200) return true;
      client.leave();
      return false;
    }, "its place is free");
  });

  test("are left out for a client that does not take them, which gets the newest then", async () => {
    // more than lies in buffers on the way
    const { url, looks } = serve({ ...meshDocument([]), name: "x".repeat(12_000_000) });
    const { hostname, port } = new URL(url);
    const begun: number[] = [];
    const socket = await Bun.connect({
      ...{ hostname, port: Number(port) },
      socket: {
        data(_, bytes) {
          const [, at] = /event: mesh\ndata: .*"at":(\d+)/.exec(bytes.toString("latin1")) ?? [];
          if (at !== undefined) begun.push(Number(at));
        },
      },
    });
    running.push(() => socket.end());
    socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => begun.length > 0, "it has begun");
    socket.pause();
    await until(() => looks() >= 6, "events that it does not take");
    socket.resume();
    await until(() => (begun.at(-1) ?? 0) >= 6, "it goes on with what is new");
    expect(begun.length).toBeLessThan(6);
  }, 60_000);

  test("end, each of them whole, when the node stops; later clients are refused", async () => {
    const { url, events } = serve();
    const client = await follow(url);
    await until(() => client.text().includes("event: mesh"), "served");
    await events.close();
    await until(() => client.end() !== undefined, "over");
    expect([client.end(), client.text().endsWith("\n\n")]).toEqual(["ended", true]);
    expect((await fetch(url)).status).toBe(503);
  });

  test("are not begun for HEAD", async () => {
    const { url, looks } = serve();
    const answer = await fetch(url, { method: "HEAD" });
    expect([answer.status, looks()]).toEqual([200, 0]);
  });
});
