/** Another node is asked for its status where its admin listener can be reached, and not believed blindly. */

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { askStatus } from "../../../src/node/ask-status.ts";
import { wayTo } from "../../../src/node/reach-admin.ts";
import type { Server } from "../../../src/topology/topology.ts";
import { faultOf } from "../../support/bodies.ts";
import { freePort } from "../../support/free-port.ts";
import { statusDocument } from "../../support/status-documents.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const SIGNAL = new AbortController().signal;
const NOWHERE = "/nowhere";

const server = (given: Partial<Server>): Server =>
  ({ name: "edge-2", cacheDir: NOWHERE, privates: [], admin: undefined, ...given }) as Server;
const ask = (asked: Server, token?: string) => askStatus(asked, { token, signal: SIGNAL });

/** A listener that answers so. */
function answering(fetch: (request: Request) => Response | Promise<Response>) {
  const listener = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  const admin = { host: "127.0.0.1", port: listener.port ?? 0 };
  return { admin, [Symbol.dispose]: () => void listener.stop(true) };
}

describe("the way to another node's admin listener", () => {
  const privates = [{ host: "10.0.0.2", bind: "0.0.0.0", port: 1 }];
  test("is its address, where other machines reach that", () => {
    const way = wayTo(server({ admin: { host: "edge-2.internal", port: 90 }, privates }));
    expect(way).toEqual({ url: "http://edge-2.internal:90" });
  });

  test("is its control address, where it listens everywhere", () => {
    const way = wayTo(server({ admin: { host: "0.0.0.0", port: 90 }, privates }));
    expect(way).toEqual({ url: "http://10.0.0.2:90" });
  });

  test("is the socket of a node on this machine, else loopback, else there is none", () => {
    using dir = makeTempDir();
    const admin = { host: "127.0.0.1", port: 90 };
    expect(wayTo(server({ admin }))).toEqual({ url: "http://127.0.0.1:90" });
    mkdirSync(join(dir.path, ".mir"));
    const unix = join(dir.path, ".mir/admin.sock");
    using listener = disposable(Bun.serve({ unix, fetch: () => new Response() }));
    expect(listener).toBeDefined();
    expect(wayTo(server({ admin, cacheDir: dir.path }))).toEqual({ unix });
    expect(wayTo(server({ admin: { host: "127.0.0.1", port: 0 } }))).toBeUndefined();
  });
});

describe("a server without a way to it", () => {
  const told = async (given: Partial<Server>): Promise<string> =>
    (await faultOf(ask(server(given)))).message;

  test("does not run, where it belongs to this machine", async () => {
    using dir = makeTempDir();
    const why = "it does not run: there is no ";
    expect(await told({ cacheDir: dir.path })).toBe(`${why}${dir.path}/.mir/admin.sock`);
    const privates = [{ host: "127.0.0.1", bind: "127.0.0.1", port: 1 }];
    expect(await told({ privates })).toStartWith(why);
  });

  test("may run elsewhere, where nothing else is known", async () => {
    const privates = [{ host: "203.0.113.7", bind: "0.0.0.0", port: 1 }];
    expect(await told({ privates })).toContain("add [levels.servers.admin]");
  });
});

function disposable(listener: { stop(force: boolean): unknown }): Disposable {
  return { [Symbol.dispose]: () => void listener.stop(true) };
}

describe("another node's status", () => {
  test("is what it tells, asked with the token of this node", async () => {
    const tokens: (string | null)[] = [];
    using node = answering((request) => {
      tokens.push(request.headers.get("authorization"));
      return Response.json(statusDocument({ server: "edge-2", uptimeSeconds: 99 }));
    });
    expect(await ask(server(node), "secret")).toMatchObject({ uptimeSeconds: 99 });
    expect(tokens).toEqual(["Bearer secret"]);
  });

  test("of an older version lacks what that did not tell, and what is unknown is left out", async () => {
    const { latencies: _, residentBytes: __, counters, ...older } = statusDocument();
    const { lru_hit: ___, ...fewer } = counters;
    const answer = { ...older, server: "edge-2", counters: { ...fewer, news: 7 }, news: true };
    using node = answering(() => Response.json(answer));
    const status = await ask(server(node));
    expect([status.residentBytes, status.counters.lru_hit]).toEqual([0, 0]);
    expect(status.latencies.outcomes).toEqual([]);
    expect([Object.keys(status), Object.keys(status.counters)].flat()).not.toContain("news");
  });

  test.each([
    [
      "of another node",
      () => Response.json(statusDocument({ server: "edge-1" })),
      /leads to edge-1/,
    ],
    [
      "with a field missing",
      () => Response.json({ server: "edge-2" }),
      /of another version: level/,
    ],
    ["that is no JSON", () => new Response("<html>"), /of another version/],
    ["refused", () => new Response("", { status: 401 }), /another MIR_ADMIN_TOKEN/],
    ["that fails", () => new Response("", { status: 500 }), /answered 500/],
    ["elsewhere", () => Response.redirect("http://127.0.0.1:1/"), /answered 302/],
    [
      "over statusBytesMax",
      () => new Response("x".repeat(LIMITS.statusBytesMax + 1)),
      /has over 1048576 bytes/,
    ],
  ])("%s is not taken", async (_, answer, why) => {
    using node = answering(answer);
    expect((await faultOf(ask(server(node)))).message).toMatch(why);
  });

  test("cannot be had of one that is gone, hangs, or cannot be reached from here", async () => {
    const gone = server({ admin: { host: "127.0.0.1", port: freePort() } });
    expect((await faultOf(ask(gone))).message).toContain("ECONNREFUSED");
    expect((await faultOf(ask(server({})))).message).toContain("add [levels.servers.admin]");
    using node = answering(() => new Promise<Response>(() => {}));
    expect((await faultOf(ask(server(node)))).message).toBe(
      `no answer within ${DEADLINES.meshAskMs / 1000} s`,
    );
  });
});
