/** What systemd hears of a node, on a real socket. */

import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openServiceManager, type ServiceManager } from "../../../src/node/service-manager.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { type Datagrams, listenForDatagrams } from "../../support/datagrams.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

afterEach(() => kept.splice(0).map((one) => one[Symbol.dispose]()));
const kept: Disposable[] = [];

function tried(env: Readonly<Record<string, string>>, given?: string) {
  const dir = makeTempDir();
  const address = given ?? join(dir.path, "notify");
  const heard: Datagrams = listenForDatagrams(address);
  const node = { state: "ready", well: true };
  const manager: ServiceManager = openServiceManager({
    ...{ env: { NOTIFY_SOCKET: address, ...env }, pid: 77, log: silentLog },
    state: () => node.state,
    worthKeeping: () => node.well,
  });
  kept.push(manager, heard, dir);
  return { manager, heard, node };
}

test("ready and what it is, at a path", () => {
  const { manager, heard } = tried({});
  manager.ready();
  expect(heard.all()).toEqual(["READY=1", "STATUS=ready"]);
});

test("the same at an address that is no file", () => {
  const { manager, heard } = tried({}, `@mir-test-${process.pid}`);
  manager.ready();
  manager.stopping();
  expect(heard.all()).toEqual(["READY=1", "STATUS=ready", "STOPPING=1"]);
});

test("a reload carries the time of the kernel's clock", () => {
  const { manager, heard } = tried({});
  manager.reloading();
  const [message = ""] = heard.all();
  const [, us] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(message) ?? [];
  // never suspended: both clocks count from the start of the machine
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  expect(Math.abs(Number(us) / 1e6 - uptime)).toBeLessThan(60);
});

test("the watchdog is fed while the node is worth keeping, and not after", async () => {
  const { manager, heard, node } = tried({ WATCHDOG_USEC: "20000", WATCHDOG_PID: "77" });
  manager.ready();
  await until(() => heard.all().filter((message) => message === "WATCHDOG=1").length >= 3);
  node.well = false;
  node.state = "worker 1 has stalled for long";
  await until(() => heard.all().at(-1) === `STATUS=${node.state}`);
  const { length } = heard.all();
  const stoppedMs = performance.now();
  // a few more turns of its timer would have fed it
  await until(() => performance.now() > stoppedMs + 200);
  expect(heard.all()).toHaveLength(length);
});

test("a watchdog of another process is not fed", () => {
  const { manager, heard } = tried({ WATCHDOG_USEC: "20000", WATCHDOG_PID: "78" });
  manager.ready();
  expect(heard.all()).toEqual(["READY=1", "STATUS=ready"]);
});

test("without a service manager nothing is said, and one that is gone harms nothing", () => {
  const { manager, heard } = tried({ NOTIFY_SOCKET: "" });
  manager.ready();
  manager.reloading();
  expect(heard.all()).toEqual([]);
  const gone = tried({ NOTIFY_SOCKET: "/nowhere/notify" });
  gone.manager.ready();
  expect(gone.heard.all()).toEqual([]);
});
