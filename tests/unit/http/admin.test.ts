/** What operators can ask a node, and who may. */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import {
  type AdminHandler,
  makeAdminHandler,
  type RunningAdmin,
  startAdminListener,
} from "../../../src/http/admin.ts";
import { dashboardFiles } from "../../../src/http/dashboard-files.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { faultOf } from "../../support/bodies.ts";
import { statusDocument } from "../../support/status-documents.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const STATUS = statusDocument();

const handlerWhen = (ready: boolean): AdminHandler =>
  makeAdminHandler({ status: () => STATUS, metrics: () => "mir_x 1\n", ready: () => ready });
const ask = async (path: string, method = "GET", ready = true): Promise<Response> =>
  handlerWhen(ready)(new Request(`http://mir${path}`, { method }));

describe("the admin pages", () => {
  test("say that the node is alive", async () => {
    expect(await (await ask("/healthz")).text()).toBe("ok");
    expect((await ask("/healthz", "GET", false)).status).toBe(200);
  });

  test("say whether it is ready: 200, or 503", async () => {
    const [ready, draining] = [await ask("/readyz"), await ask("/readyz", "GET", false)];
    expect([ready.status, await ready.text()]).toEqual([200, "ready"]);
    expect([draining.status, await draining.text()]).toEqual([503, "draining"]);
  });

  test("say why requests should go elsewhere, and why only a restart helps: 503", async () => {
    const handler = makeAdminHandler({
      ...{ status: () => STATUS, metrics: () => "", ready: () => true },
      ...{ unready: () => "no worker serves", unwell: () => "no worker has served for long" },
    });
    const page = async (path: string): Promise<readonly [number, string]> => {
      const answer = await handler(new Request(`http://mir${path}`));
      return [answer.status, await answer.text()];
    };
    expect(await page("/readyz")).toEqual([503, "no worker serves"]);
    expect(await page("/healthz")).toEqual([503, "no worker has served for long"]);
  });

  test("a node that is ready says what is out of order all the same", async () => {
    const remarks = (): string[] => ["disk /b: failed"];
    const handler = makeAdminHandler({
      ...{ status: () => STATUS, metrics: () => "", ready: () => true, remarks },
    });
    const answer = await handler(new Request("http://mir/readyz"));
    expect([answer.status, await answer.text()]).toEqual([200, "ready\ndisk /b: failed"]);
  });

  test("show the status as JSON", async () => {
    const response = await ask("/status?pretty");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(STATUS);
  });

  test("show the metrics as Prometheus text", async () => {
    const response = await ask("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toBe("mir_x 1\n");
  });

  test("are never kept by a cache", async () => {
    for (const path of ["/healthz", "/readyz", "/status", "/metrics"]) {
      expect((await ask(path)).headers.get("cache-control")).toBe("no-store");
    }
  });

  test("are these and no more: 404", async () => {
    for (const path of ["/", "/status/", "/statusx", "//status"]) {
      const response = await ask(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
    }
  });

  test("are only read: 405", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await ask("/status", method);
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
    expect((await ask("/status", "HEAD")).status).toBe(200);
  });

  test("that fail tell nothing of why", async () => {
    const metrics = (): string => {
      throw new Error("secret");
    };
    const handler = makeAdminHandler({ status: () => STATUS, metrics, ready: () => true });
    const response = await handler(new Request("http://mir/metrics"));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
  });
});

describe("the admin listener", () => {
  const running: RunningAdmin[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((admin) => admin.stop()));
  });

  async function start(
    socketPath: string,
    options: { tcp?: { host: string; port: number }; token?: string } = {},
  ): Promise<RunningAdmin> {
    const { tcp, token } = options;
    const handler = handlerWhen(true);
    const admin = await startAdminListener({ socketPath, tcp, token, handler, log: silentLog });
    running.push(admin);
    return admin;
  }

  const LOOPBACK = { host: "127.0.0.1", port: 0 };

  test("is a socket that only the node's owner can open, in a folder made for it", async () => {
    using dir = makeTempDir();
    const path = `${dir.path}/cache/.mir/admin.sock`;
    const admin = await start(path, { token: "secret" });
    expect(admin.listeners).toEqual([{ kind: "admin", address: path, port: undefined }]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${dir.path}/cache/.mir`).mode & 0o777).toBe(0o700);
    expect(await (await fetch("http://mir/healthz", { unix: path })).text()).toBe("ok");
    await admin.stop();
    expect(existsSync(path)).toBe(false);
  });

  test("is refused where the node runs already", async () => {
    using dir = makeTempDir();
    await start(`${dir.path}/admin.sock`);
    const fault = await faultOf(start(`${dir.path}/admin.sock`));
    expect(fault.message).toContain("is this node running already?");
  });

  test("is on TCP only when asked, open on loopback without a token", async () => {
    using dir = makeTempDir();
    const { listeners } = await start(`${dir.path}/admin.sock`, { tcp: LOOPBACK });
    const tcp = listeners[1];
    expect(tcp?.address).toBe(`127.0.0.1:${tcp?.port}`);
    expect((await fetch(`http://${tcp?.address}/status`)).status).toBe(200);
  });

  test("beyond loopback is refused without a token, and nothing is left open", async () => {
    using dir = makeTempDir();
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "127.example", "localhost.example"]) {
      const fault = await faultOf(start(`${dir.path}/admin.sock`, { tcp: { host, port: 0 } }));
      expect(fault.message).toContain("MIR_ADMIN_TOKEN");
    }
    expect(existsSync(`${dir.path}/admin.sock`)).toBe(false);
  });

  test("with a token answers nobody over TCP who does not carry it", async () => {
    using dir = makeTempDir();
    const { listeners } = await start(`${dir.path}/admin.sock`, {
      tcp: { host: "0.0.0.0", port: 0 },
      token: "secret",
    });
    const status = async (authorization?: string) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await fetch(`http://127.0.0.1:${listeners[1]?.port}/status`, { headers });
      return answer.status;
    };
    expect(await status("Bearer secret")).toBe(200);
    for (const wrong of [undefined, "", "Bearer", "Bearer secre", "Bearer secret2", "secret"]) {
      expect([wrong, await status(wrong)]).toEqual([wrong, 401]);
    }
  });

  test("that cannot have its TCP address leaves no socket behind", async () => {
    using dir = makeTempDir();
    const path = `${dir.path}/admin.sock`;
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const tcp = { host: "127.0.0.1", port: other.port };
    expect((await faultOf(start(path, { tcp }))).message).toContain("another process");
    expect(existsSync(path)).toBe(false);
    other.stop(true);
  });

  test("on loopback without a token answers no foreign website, by whatever name it comes", async () => {
    using dir = makeTempDir();
    const { listeners } = await start(`${dir.path}/admin.sock`, { tcp: LOOPBACK });
    const port = listeners[1]?.port;
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/status`, { headers })).status;
    for (const host of ["localhost", `localhost:${port}`, "127.0.0.1:1", `[::1]:${port}`]) {
      expect([host, await status({ host })]).toEqual([host, 200]);
    }
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "0"]) {
      expect([host, await status({ host })]).toEqual([host, 400]);
    }
    // another port of this machine is another website too
    expect(await status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" })).toBe(400);
    expect(await status({ "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" })).toBe(400);
    expect(await status({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" })).toBe(200);
    expect(await status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" })).toBe(
      200,
    );
    const unix = `${dir.path}/admin.sock`;
    expect((await fetch("http://evil.example/status", { unix })).status).toBe(200);
  });

  test("with a token shows without it only the page that asks for it", async () => {
    using dir = makeTempDir();
    const handler = makeAdminHandler({
      ...{ status: () => STATUS, metrics: () => "", ready: () => true },
      pages: { ...dashboardFiles, "/mesh": () => Response.json({}) },
    });
    const admin = await startAdminListener({
      ...{ socketPath: `${dir.path}/admin.sock`, tcp: LOOPBACK, token: "secret", handler },
      log: silentLog,
    });
    running.push(admin);
    const get = (path: string) => fetch(`http://127.0.0.1:${admin.listeners[1]?.port}${path}`);
    const types = {
      "/": "text/html",
      "/dashboard.js": "text/javascript",
      "/dashboard.css": "text/css",
    };
    for (const [path, type] of Object.entries(types)) {
      const { status, headers } = await get(path);
      expect([status, headers.get("content-type")]).toEqual([200, `${type};charset=utf-8`]);
      const policy = headers.get("content-security-policy");
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    }
    for (const path of ["/mesh", "/status", "/dashboard.js/"]) {
      expect([path, (await get(path)).status]).toEqual([path, 401]);
    }
  });
});
