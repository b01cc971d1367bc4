/** Nodes that cannot have their addresses end at once, and leave those of others alone. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf } from "../support/child-processes.ts";
import { freePort } from "../support/free-port.ts";
import { EXECUTABLE } from "../support/mesh.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

/** No node here has reason to live longer. */
const ALIVE_MS = 20_000;
let dir: TempDir;
beforeEach(() => {
  dir = makeTempDir();
  mkdirSync(join(dir.path, "photos"));
});
afterEach(() => dir[Symbol.dispose]());

interface Addresses {
  readonly open: number;
  readonly peers: number;
  readonly admin?: number;
  readonly adminHost?: string;
}

/** A topology of one node with a cache of its own. */
function topologyOf(
  name: string,
  { open, peers, admin, adminHost = "127.0.0.1" }: Addresses,
): string {
  const path = join(dir.path, `${name}.toml`);
  const more =
    admin === undefined ? "" : `[levels.servers.admin]\nhost = "${adminHost}"\nport = ${admin}`;
  writeFileSync(
    path,
    `[meta]
name = "addresses"
[[levels]]
[[levels.servers]]
name = "edge"
cache_dir = "${join(dir.path, name)}"
capacity = "100MiB"
workers = 2
[[levels.servers.public]]
type = "net"
host = "127.0.0.1"
port = ${open}
[[levels.servers.private]]
host = "127.0.0.1"
port = ${peers}
${more}
[[levels]]
[[levels.servers]]
name = "origin"
origin_dir = "${join(dir.path, "photos")}"
`,
  );
  return path;
}

/** Its input stays open: only the node itself can be the reason for its end. */
function serve(name: string, addresses: Addresses) {
  const child = Bun.spawn(
    [
      ...[EXECUTABLE, "serve", "--topology", topologyOf(name, addresses)],
      ...["--server", "edge", "--drain-grace", "0"],
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "pipe", timeout: ALIVE_MS, killSignal: "SIGKILL" },
  );
  return Object.assign(child, { [Symbol.dispose]: () => child.kill("SIGKILL") });
}

async function ready(child: ReturnType<typeof serve>): Promise<void> {
  let said = "";
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    if (said.endsWith("ready\n")) return;
  }
  throw new Error(`ended before ready: ${await new Response(child.stderr).text()}`);
}

/** Exit code, or "alive", and what it said. */
async function end(child: ReturnType<typeof serve>): Promise<{ code: unknown; said: string }> {
  const code = await child.exited;
  const said = await new Response(child.stderr).text();
  return { code: child.signalCode === null ? code : "alive", said };
}

function listener(port = 0) {
  return Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
}

describe("addresses of a node", () => {
  test("of another program, public, private or admin: it says which, and ends with 1", async () => {
    const rival = listener();
    const free = { open: 0, peers: freePort() };
    for (const taken of [{ open: rival.port }, { peers: rival.port }, { admin: rival.port }]) {
      using node = serve("one", { ...free, ...taken });
      const { code, said } = await end(node);
      expect(code).toBe(1);
      expect(said).toContain(`cannot listen on 127.0.0.1:${rival.port}: address in use`);
      expect(childrenOf(node.pid, "image-worker")).toEqual([]);
    }
    rival.stop(true);
    // nothing of the cache directory is held any more
    using node = serve("one", free);
    await ready(node);
  });

  test("of another node, which shares them among its own workers only", async () => {
    const [open, peers] = [freePort(), freePort()];
    using first = serve("first", { open, peers });
    await ready(first);
    for (const addresses of [
      { open, peers: freePort() },
      { open: 0, peers },
    ]) {
      using second = serve("second", addresses);
      const { code, said } = await end(second);
      expect(code).toBe(1);
      expect(said).toContain("address in use, another process has it\n");
      expect(said).not.toContain("\0");
    }
    // started again, in the place of the one that ends
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    using next = serve("first", { open, peers });
    await ready(next);
  });

  test("two nodes that start in the same moment: one of them serves", async () => {
    const open = freePort();
    using one = serve("one", { open, peers: freePort() });
    using other = serve("other", { open, peers: freePort() });
    const nodes = [one, other];
    const outcomes = await Promise.all(
      nodes.map((node) =>
        ready(node).then(
          () => "ready",
          () => "ended",
        ),
      ),
    );
    expect(outcomes.toSorted()).toEqual(["ended", "ready"]);
  });
});

test("an admin address that others reach is refused before anything is made or announced", async () => {
  using child = serve("open", {
    open: freePort(),
    peers: freePort(),
    admin: freePort(),
    adminHost: "0.0.0.0",
  });
  expect(await child.exited).toBe(1);
  expect(await new Response(child.stderr).text()).toContain("set MIR_ADMIN_TOKEN");
  expect(await new Response(child.stdout).text()).toBe("");
  expect(existsSync(join(dir.path, "open"))).toBe(false);
});
