/** Worker threads that die or hang: what a node does about it, and how it shows. */

import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { DEADLINES } from "../../src/base/deadlines.ts";
import { type Datagrams, listenForDatagrams } from "../support/datagrams.ts";
import { type FaultyNode, startFaultyNode } from "../support/faulty-node.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

let node: FaultyNode | undefined;
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
});

async function workerOf(started: FaultyNode, worker: number) {
  const { workers } = await started.status();
  const found = workers.find((w) => w.worker === worker);
  if (found === undefined) throw new Error(`no worker ${worker}`);
  const { state, restarts = 0, inARow = 0, nextTryMs = 0, awayMs = 0 } = found;
  return { state, restarts, inARow, nextTryMs, awayMs };
}

async function states(started: FaultyNode): Promise<string> {
  return (await started.status()).workers.map(({ state }) => state).join(" ");
}

describe("a worker thread that dies", () => {
  test("is started again, and the others serve meanwhile", async () => {
    node = await startFaultyNode();
    const started = node;
    started.bring("throw", 1);
    await until(async () => (await workerOf(started, 1)).restarts > 0, "it has died");
    expect(await started.page("/readyz")).toMatchObject([200, expect.stringMatching(/^ready/)]);
    started.end("throw", 1);
    await until(async () => (await states(started)) === "serving serving", "it serves again");
    const { counters } = await started.status();
    expect(counters.worker_restart).toBeGreaterThan(0);
    await started.page("/readyz");
    expect(started.log()).toContain("worker failed worker=1");
    expect(started.log()).toContain("worker died; it is started again worker=1");
    expect((await fetch(`${started.url}/healthz`)).status).toBe(200);
  });

  test("again and again is started later each time, and the loop shows", async () => {
    node = await startFaultyNode();
    const started = node;
    started.bring("throw", 2);
    await until(async () => {
      const { state, inARow, nextTryMs } = await workerOf(started, 2);
      return state === "restarting" && inARow >= 4 && nextTryMs > 0;
    }, "it waits to be started again");
    const [status, text] = await started.page("/readyz");
    expect(status).toBe(200);
    expect(text).toMatch(/worker 2: .*it has died \d+ times in a row/);
    const waits = [...started.log().matchAll(/is started again worker=2 .*nextTryMs=(\d+)/g)];
    expect(waits.slice(0, 4).map(([, ms]) => Number(ms))).toEqual([100, 200, 400, 800]);
    expect((await started.page("/metrics"))[1]).toContain('mir_worker_serving{worker="2"} 0');
  });

  test("together with all others makes the node not ready, until one serves", async () => {
    node = await startFaultyNode();
    const started = node;
    for (const worker of [1, 2]) started.bring("throw", worker);
    await until(async () => (await started.page("/readyz"))[0] === 503, "it is not ready");
    expect((await started.page("/healthz"))[0]).toBe(200);
    for (const worker of [1, 2]) started.end("throw", worker);
    await until(async () => (await started.page("/readyz"))[0] === 200, "it is ready again");
  });
});

describe("an event loop that stands still", () => {
  test("in a worker is told once, shows while it lasts, and ends by itself", async () => {
    node = await startFaultyNode();
    const started = node;
    started.bring("spin", 1);
    await until(async () => (await workerOf(started, 1)).state === "stalled", "it shows");
    expect((await workerOf(started, 1)).awayMs).toBeGreaterThanOrEqual(DEADLINES.workerStallMs);
    const [status, text] = await started.page("/readyz");
    expect([status, text]).toEqual([200, expect.stringMatching(/^ready\nworker 1: stalled for/)]);
    const { awayMs } = await workerOf(started, 1);
    await until(async () => (await workerOf(started, 1)).awayMs > awayMs, "it goes on");
    started.end("spin", 1);
    await until(async () => (await states(started)) === "serving serving", "it turns again");
    await started.page("/readyz");
    expect(started.log().match(/worker\.stalled/g)).toHaveLength(1);
    expect(started.log()).toContain("worker.moves worker=1");
    expect((await started.status()).counters).toMatchObject({ worker_stall: 1, worker_restart: 0 });
  });

  test("because the whole process was stopped is nobody's fault but main's", async () => {
    node = await startFaultyNode();
    const started = node;
    started.process.kill("SIGSTOP");
    const sinceMs = performance.now();
    await until(() => performance.now() - sinceMs > DEADLINES.workerStallMs + 500);
    started.process.kill("SIGCONT");
    await until(async () => (await started.status()).counters.main_stall === 1);
    expect((await started.status()).counters.worker_stall).toBe(0);
    expect(await states(started)).toBe("serving serving");
  });
});

test("systemd is told when a node is ready, reloads, drains, and that it lives", async () => {
  const dir: TempDir = makeTempDir();
  const address = join(dir.path, "notify");
  using heard: Datagrams = listenForDatagrams(address);
  node = await startFaultyNode({ NOTIFY_SOCKET: address, WATCHDOG_USEC: "200000" });
  const { process: child } = node;
  const has = (text: string) => (): boolean => heard.all().some((said) => said.includes(text));
  await until(has("WATCHDOG=1"));
  expect(heard.all().slice(0, 2)).toEqual(["READY=1", "STATUS=ready\nWATCHDOG=1"]);
  child.kill("SIGHUP");
  await until(has("RELOADING=1\nMONOTONIC_USEC="));
  await until(() => heard.all().filter((said) => said === "READY=1").length === 2);
  child.kill("SIGTERM");
  await until(has("STOPPING=1"));
  expect(await child.exited).toBe(0);
  dir[Symbol.dispose]();
});
