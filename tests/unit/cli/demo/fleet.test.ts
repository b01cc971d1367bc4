/** The demo's processes: all run or none does, and none outlives the demo. */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DEMO_LIMITS } from "../../../../src/cli/demo/bounds.ts";
import { complainOf, startFleet } from "../../../../src/cli/demo/fleet.ts";
import { startNodeProcess } from "../../../../src/cli/demo/node-process.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";
import { until } from "../../../support/until.ts";
import { collectOutput } from "./collected-output.ts";

/** A node that is ready and lives until its standard input closes or it is told to end. */
const GOOD = "echo listening; echo ready; read -r line";
const { signal } = new AbortController();

function shell(script: string): [string, ...string[]] {
  return ["sh", "-c", script];
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a node of the demo", () => {
  test("is ready when it says so on a line of its own", async () => {
    const node = startNodeProcess({
      name: "n",
      command: shell("printf 'not ready\\nrea'; echo dy; cat"),
    });
    await node.ready;
    await node.stop();
    expect(await node.ended).toBe("was ended by SIGTERM");
  });

  test("that ends before is told with its code and its last words", async () => {
    const node = startNodeProcess({ name: "n", command: shell("echo boom >&2; exit 3") });
    await expect(node.ready).rejects.toThrow("n ended with code 3");
    expect(node.log()).toBe("boom\n");
  });

  test("that is not ready in time is ended and told", async () => {
    const node = startNodeProcess({ name: "n", command: shell("exec sleep 60"), readyMs: 50 });
    await expect(node.ready).rejects.toThrow("n was not ready within 0.05 s");
    expect(isAlive(node.pid)).toBe(false);
  });

  test("that does not heed SIGTERM is killed", async () => {
    const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    const node = startNodeProcess({ name: "n", command: shell(script), stopMs: 50 });
    await node.ready;
    await node.stop();
    expect(await node.ended).toBe("was ended by SIGKILL");
  });

  test("sees its standard input close when the demo itself is killed", async () => {
    using dir = makeTempDir();
    const script = `echo ready; read -r line; echo over > '${dir.path}/over'`;
    const module = join(import.meta.dir, "../../../../src/cli/demo/node-process.ts");
    const program = `
      import { startNodeProcess } from ${JSON.stringify(module)};
      const command = ["sh", "-c", ${JSON.stringify(script)}];
      await startNodeProcess({ name: "n", command }).ready;
      console.log("running");
      setInterval(() => {}, 1000);`;
    const demo = Bun.spawn([process.execPath, dir.write("demo.ts", program)], { stdout: "pipe" });
    await demo.stdout.getReader().read();
    expect(existsSync(join(dir.path, "over"))).toBe(false);
    demo.kill("SIGKILL");
    await until(() => existsSync(join(dir.path, "over")), "the node ended");
  });

  test("leaves no more of its log than the limit", async () => {
    const much = DEMO_LIMITS.logTailBytes * 3;
    const script = `head -c ${much} /dev/zero | tr '\\0' x >&2; echo end >&2`;
    const node = startNodeProcess({ name: "n", command: shell(script) });
    await expect(node.ready).rejects.toThrow("code 0");
    expect(node.log().length).toBe(DEMO_LIMITS.logTailBytes);
    expect(node.log()).toEndWith("xend\n");
  });
});

describe("the nodes of the demo together", () => {
  test("run, and end with it", async () => {
    const output = collectOutput();
    const commands = new Map(["a", "b", "c"].map((name) => [name, shell(GOOD)]));
    const fleet = await startFleet({ commands, signal, output });
    const pids = fleet?.nodes.map((node) => node.pid) ?? [];
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    await fleet?.[Symbol.asyncDispose]();
    expect(pids.map(isAlive)).toEqual([false, false, false]);
    expect(output.complaints).toEqual([]);
  });

  test("are stopped when one does not start, and that one's standard error is shown", async () => {
    using dir = makeTempDir();
    const [up, over] = [join(dir.path, "up"), join(dir.path, "over")];
    const forever = "while :; do sleep 0.02; done";
    const good = `trap 'echo > ${over}; exit' TERM; echo > ${up}; echo ready; ${forever}`;
    const bad = `until [ -e ${up} ]; do sleep 0.02; done; echo 'the port is taken' >&2; exit 1`;
    const output = collectOutput();
    const commands = new Map([
      ["good", shell(good)],
      ["bad", shell(bad)],
    ]);
    expect(await startFleet({ commands, signal, output })).toBeUndefined();
    expect(output.complaints).toEqual([
      "mir demo: bad ended with code 1",
      "  bad | the port is taken",
    ]);
    expect(existsSync(over)).toBe(true);
  });

  test("are stopped when nobody waits for them any more", async () => {
    const output = collectOutput();
    const stop = new AbortController();
    const commands = new Map([["slow", shell("exec sleep 60")]]);
    const starting = startFleet({ commands, signal: stop.signal, output });
    stop.abort();
    expect(await starting).toBeUndefined();
    expect(output.complaints).toEqual([]);
  });

  test("tell which one was lost, and how", async () => {
    const output = collectOutput();
    const commands = new Map([
      ["good", shell(GOOD)],
      ["brief", shell("echo ready; echo 'out of luck' >&2; kill -9 $$")],
    ]);
    const fleet = await startFleet({ commands, signal, output });
    const lost = await fleet?.lost;
    if (lost === undefined) throw new Error("the nodes did not start");
    complainOf(lost.node, `${lost.node.name} ${lost.how}`, output);
    await fleet?.[Symbol.asyncDispose]();
    expect(output.complaints).toEqual([
      "mir demo: brief was ended by SIGKILL",
      "  brief | out of luck",
    ]);
  });
});
