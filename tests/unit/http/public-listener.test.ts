/** Addresses: what can be listened on, what is replaced, and what is left alone. */

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { hostAndPort } from "../../../src/base/listening.ts";
import type { Handler } from "../../../src/http/image.ts";
import {
  type PublicListenerOptions,
  type RunningListener,
  startPublicListener,
} from "../../../src/http/public-listener.ts";
import { type Log, silentLog } from "../../../src/observe/log.ts";
import { workerSocketPath } from "../../../src/topology/hosts.ts";
import { faultOf } from "../../support/bodies.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const hello: Handler = () => new Response("hello");
const running: RunningListener[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((listener) => listener.stop(false)));
});

type Changes = Partial<PublicListenerOptions>;

async function start(options: Changes & Pick<PublicListenerOptions, "listener">) {
  const defaults = { index: 0, port: 0, handler: hello, log: silentLog };
  const listener = await startPublicListener({ ...defaults, ...options });
  running.push(listener);
  return listener;
}

const onTcp = (options: Changes = {}) =>
  start({
    listener: { type: "net", host: "127.0.0.1", port: 1, upload: false, tls: true },
    ...options,
  });
const onUnix = (path: string, options: Changes = {}) =>
  start({ listener: { type: "unix", path, workers: "cpus", upload: false }, ...options });

const ask = (listener: RunningListener): Promise<string> =>
  fetch(`http://${listener.address}/`).then((answer) => answer.text());
const askUnix = (path: string): Promise<string> =>
  fetch("http://mir/", { unix: path }).then((answer) => answer.text());

/** A socket file as a killed process leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); console.log("on")`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  await child.stdout.getReader().read();
  child.kill("SIGKILL");
  await child.exited;
}

describe("on TCP", () => {
  test("port 0 takes a free port and tells which", async () => {
    const listener = await onTcp();
    expect(listener.port).toBeGreaterThan(0);
    expect(listener.address).toBe(`127.0.0.1:${listener.port}`);
    expect(await ask(listener)).toBe("hello");
  });

  test("the next worker shares the port of the first", async () => {
    const { port = 0 } = await onTcp();
    const second = await onTcp({ index: 1, port });
    expect(second.port).toBe(port);
  });

  test("an IPv6 address is written in brackets", () => {
    expect(hostAndPort("::1", 80)).toBe("[::1]:80");
    expect(hostAndPort("h.example", 80)).toBe("h.example:80");
  });

  test("an address that another process has, or that is nobody's here, is a fault that says so", async () => {
    // without SO_REUSEPORT this one keeps its port for itself
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const taken = await faultOf(onTcp({ port: other.port }));
    expect(taken.message).toContain(`127.0.0.1:${other.port}`);
    expect(taken.message).toContain("another process");
    other.stop(true);
    const listener = {
      type: "net",
      host: "203.0.113.7",
      port: 1,
      upload: false,
      tls: true,
    } as const;
    expect((await faultOf(start({ listener }))).message).toContain("does not have that address");
  });
});

describe("on a unix socket", () => {
  test("each worker has its own path: its number before the ending", () => {
    expect(workerSocketPath("/run/mir/edge1.sock", 0)).toBe("/run/mir/edge1.0.sock");
    expect(workerSocketPath("/run/mir/edge1.sock", 12)).toBe("/run/mir/edge1.12.sock");
    expect(workerSocketPath("/run/mir.d/edge1", 0)).toBe("/run/mir.d/edge1.0.sock");
    expect(workerSocketPath("/run/mir/.sock", 0)).toBe("/run/mir/.0.sock");
    expect(workerSocketPath("/run/mir/a.b.sock", 3)).toBe("/run/mir/a.b.3.sock");
  });

  test("it answers, may be opened by its group, and is gone afterwards", async () => {
    using dir = makeTempDir();
    const listener = await onUnix(`${dir.path}/edge.sock`, { index: 1 });
    const path = `${dir.path}/edge.1.sock`;
    expect([listener.address, listener.port]).toEqual([path, undefined]);
    expect(await askUnix(path)).toBe("hello");
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await listener.stop(true);
    expect(existsSync(path)).toBe(false);
  });

  test("the file of a killed process is replaced, which is logged", async () => {
    using dir = makeTempDir();
    const path = `${dir.path}/edge.0.sock`;
    await leaveStaleSocket(path);
    expect(statSync(path).isSocket()).toBe(true);
    const events: string[] = [];
    const log: Log = { ...silentLog, info: (event) => events.push(event) };
    await onUnix(`${dir.path}/edge.sock`, { log });
    expect(await askUnix(path)).toBe("hello");
    expect(events).toEqual(["replaced the socket file of a process that is gone"]);
  });

  test("a living one is left alone, and the fault says that somebody listens", async () => {
    using dir = makeTempDir();
    await onUnix(`${dir.path}/edge.sock`);
    const fault = await faultOf(onUnix(`${dir.path}/edge.sock`));
    expect(fault.message).toContain(`another process listens on ${dir.path}/edge.0.sock`);
    expect(await askUnix(`${dir.path}/edge.0.sock`)).toBe("hello");
  });

  test("a file or folder of that name is never removed", async () => {
    using dir = makeTempDir();
    const path = dir.write("edge.0.sock", "precious");
    expect((await faultOf(onUnix(`${dir.path}/edge.sock`))).message).toContain("is no socket");
    expect(readFileSync(path, "utf8")).toBe("precious");
    mkdirSync(`${dir.path}/edge.1.sock`);
    const inTheWay = onUnix(`${dir.path}/edge.sock`, { index: 1 });
    expect((await faultOf(inTheWay)).message).toContain("is no socket");
  });

  test("a missing folder is named", async () => {
    using dir = makeTempDir();
    const fault = await faultOf(onUnix(`${dir.path}/missing/edge.sock`));
    expect(fault.message).toContain(`the folder ${dir.path}/missing`);
  });

  test("a path too long for a socket is told", async () => {
    using dir = makeTempDir();
    const fault = await faultOf(onUnix(`${dir.path}/${"a".repeat(120)}.sock`));
    expect(fault.message).toContain("107 bytes");
  });
});

describe("requests", () => {
  test("are answered in JSON where a handler throws, and the reason is only logged", async () => {
    const logged: unknown[] = [];
    const log: Log = { ...silentLog, error: (_, fields) => logged.push(fields) };
    const handler: Handler = () => {
      throw new Error("secret reason");
    };
    const answer = await fetch(`http://${(await onTcp({ handler, log })).address}/`);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([500, "no-store"]);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ error: { code: "internal" } });
    expect(text).not.toContain("secret");
    expect(logged).toHaveLength(1);
  });

  test("for a file that goes between the answer and its opening are told to come back", async () => {
    const handler: Handler = () => new Response(Bun.file("/nowhere/at/all"));
    const answer = await fetch(`http://${(await onTcp({ handler })).address}/`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  test("with a body over its maximum are refused", async () => {
    const { address } = await onTcp({ handler: async (r) => new Response(await r.text()) });
    const post = (bytes: number) =>
      fetch(`http://${address}/`, { method: "POST", body: "x".repeat(bytes) });
    expect((await post(LIMITS.requestBodyBytesMax)).status).toBe(200);
    expect((await post(LIMITS.requestBodyBytesMax + 1)).status).toBe(413);
  });
});

describe("stopping", () => {
  test("gracefully lets what is in flight end and takes nothing new", async () => {
    const gate = Promise.withResolvers<Response>();
    const inside = Promise.withResolvers<void>();
    const listener = await onTcp({
      handler: () => {
        inside.resolve();
        return gate.promise;
      },
    });
    const answer = ask(listener);
    await inside.promise;
    const stopped = listener.stop(true);
    await until(() =>
      ask(listener).then(
        () => false,
        () => true,
      ),
    );
    gate.resolve(new Response("late"));
    expect(await answer).toBe("late");
    await stopped;
  });

  test("gracefully does not wait for connections that ask nothing", async () => {
    using dir = makeTempDir();
    const listener = await onUnix(`${dir.path}/a.sock`);
    const ended = Promise.withResolvers<void>();
    let greeted = "";
    await Bun.connect({
      unix: listener.address,
      socket: {
        data(_, chunk) {
          greeted += chunk.toString("latin1");
        },
        close: () => ended.resolve(),
      },
    });
    // without the wait's end the test would take the whole `finishMs`
    await listener.stop(true);
    await ended.promise;
    expect(greeted).toBe("");
  }, 10_000);

  test("gracefully waits until a slow client has taken a body from memory", async () => {
    const whole = new Uint8Array(12 * 1024 * 1024);
    const listener = await onTcp({ handler: () => new Response(whole) });
    const begun = Promise.withResolvers<void>();
    let received = 0;
    let paused = false;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: listener.port ?? 0,
      socket: {
        data(client, chunk) {
          received += chunk.length;
          if (paused) return;
          paused = true;
          client.pause();
          begun.resolve();
        },
      },
    });
    socket.write("GET / HTTP/1.1\r\nHost: mir\r\n\r\n");
    await begun.promise;
    let stopped = false;
    const stopping = listener.stop(true).then(() => {
      stopped = true;
    });
    // the listener is gone long before the body is
    await until(() =>
      ask(listener).then(
        () => false,
        () => true,
      ),
    );
    expect([stopped, received < whole.length]).toEqual([false, true]);
    socket.resume();
    await stopping;
    // nothing of it is left in the process: what has not come yet is in the kernel
    await until(() => received > whole.length);
    socket.terminate();
  }, 20_000);

  test("gracefully waits no longer than its deadline", async () => {
    const inside = Promise.withResolvers<void>();
    const listener = await onTcp({
      handler: () => {
        inside.resolve();
        return new Promise<Response>(() => {});
      },
      finishMs: 20,
    });
    const answer = ask(listener).then(
      () => "answered",
      () => "cut",
    );
    await inside.promise;
    await listener.stop(true);
    expect(await answer).toBe("cut");
  });
});

test("a listener that cannot be had is a Fault", async () => {
  expect(await faultOf(onUnix("/nowhere/at/all.sock"))).toBeInstanceOf(Fault);
});
