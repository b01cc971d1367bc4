/** One real node whose worker threads can be made to die or hang; it runs from source, as the executable has no such thing. */

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { stringify } from "smol-toml";
import type { StatusDocument } from "../../src/http/status-document.ts";
import { makeTempDir } from "./temp-dir.ts";
import { until } from "./until.ts";

const ENTRY = resolve(import.meta.dir, "faulty-main.ts");
const START_MS = 60_000;

export interface FaultyNode extends AsyncDisposable {
  readonly process: Subprocess;
  /** Of its public listener. */
  readonly url: string;
  /** From here on worker N dies as soon as it lives, or hangs; until it is ended. */
  bring(fault: "throw" | "spin", worker: number): void;
  end(fault: "throw" | "spin", worker: number): void;
  status(): Promise<StatusDocument>;
  /** Status and text of a page of the admin listener. */
  page(path: string): Promise<readonly [number, string]>;
  log(): string;
}

export async function startFaultyNode(
  env: Readonly<Record<string, string>> = {},
): Promise<FaultyNode> {
  const dir = makeTempDir();
  const topology = join(dir.path, "mesh.toml");
  mkdirSync(join(dir.path, "photos"));
  writeFileSync(topology, stringify(topologyIn(dir.path)));
  const args = ["serve", "--topology", topology, "--server", "edge-1", "--drain-grace", "0"];
  const child = Bun.spawn([process.execPath, ENTRY, ...args], {
    env: { ...process.env, ...env, MIR_TEST_FAULTS: dir.path },
    stdout: Bun.file(join(dir.path, "out")),
    stderr: Bun.file(join(dir.path, "log")),
  });
  const text = (name: string): Promise<string> => Bun.file(join(dir.path, name)).text();
  const unix = join(dir.path, "cache/.mir/admin.sock");
  const ask = (path: string): Promise<Response> => fetch(`http://mir${path}`, { unix });
  let log = "";
  const node: FaultyNode = {
    process: child,
    get url() {
      return `http://${/^public +(\S+)$/m.exec(out)?.[1]}`;
    },
    bring: (fault, worker) => writeFileSync(join(dir.path, `${fault}.${worker}`), ""),
    end: (fault, worker) => rmSync(join(dir.path, `${fault}.${worker}`), { force: true }),
    status: async () => (await (await ask("/status")).json()) as StatusDocument,
    async page(path) {
      log = await text("log");
      const answer = await ask(path);
      return [answer.status, await answer.text()];
    },
    log: () => log,
    async [Symbol.asyncDispose]() {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await child.exited;
      dir[Symbol.dispose]();
    },
  };
  let out = "";
  try {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${await text("log")}`);
        out = existsSync(join(dir.path, "out")) ? await text("out") : "";
        return out.endsWith("ready\n");
      },
      "the node is ready",
      START_MS,
    );
    return node;
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw error;
  }
}

function topologyIn(dir: string): Record<string, unknown> {
  const edge = {
    ...{ name: "edge-1", cache_dir: join(dir, "cache"), capacity: "64MiB" },
    ...{ workers: 2, image_workers: 1, public: [{ type: "net", host: "127.0.0.1", port: 0 }] },
  };
  const origin = { name: "photos", origin_dir: join(dir, "photos") };
  return { meta: { name: "faulty" }, levels: [{ servers: [edge] }, { servers: [origin] }] };
}
