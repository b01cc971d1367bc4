/** What people see of the executable: help, mistakes on the command line, and what a node says at its start. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf } from "../support/child-processes.ts";
import { ended } from "../support/ended.ts";
import { freePort } from "../support/free-port.ts";
import { EXECUTABLE, startMesh } from "../support/mesh.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

let dir: TempDir;
beforeAll(() => {
  dir = makeTempDir();
});
afterAll(() => dir[Symbol.dispose]());

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([EXECUTABLE, ...args], { stdout: "pipe", stderr: "pipe" });
  return await ended(child);
}

describe("the command line", () => {
  test("has no colours where nobody sees them", async () => {
    for (const args of [["--help"], ["serve", "--help"], ["serve"]]) {
      const { out, err } = await run(...args);
      expect(out + err).toContain("mir");
      expect(out + err).not.toContain("\x1b");
    }
  });

  test("names a flag that is not there, and the one that was meant, before what is missing", async () => {
    const { code, err } = await run("serve", "--topolgy", "x.toml", "--server", "edge");
    expect(code).toBe(2);
    expect(err).toContain("unknown flag --topolgy (did you mean --topology?)");
  });

  test("check warns of a folder of originals that is not here", async () => {
    const file = join(dir.path, "gone.toml");
    writeFileSync(
      file,
      `meta.name = "m"
[[levels]]
[[levels.servers]]
name = "edge"
cache_dir = "cache"
[[levels.servers.public]]
type = "net"
host = "127.0.0.1"
port = ${freePort()}
[[levels]]
[[levels.servers]]
name = "origin"
origin_dir = "gone"
`,
    );
    const { code, out } = await run("check", file);
    expect(code).toBe(0);
    expect(out).toContain("gone is no folder on this machine");
  });
});

describe("a node", () => {
  test("warns of such a folder at its start, and has an image worker before the first job", async () => {
    const gone = join(dir.path, "gone");
    await using mesh = await startMesh({ edges: ["edge"], origin: { origin_dir: gone } });
    await until(() => mesh.node("edge").log().includes("origin_dir_missing"), "the warning");
    expect(mesh.node("edge").log()).toContain(gone);
    const { pid } = mesh.node("edge");
    await until(() => childrenOf(pid, "image-worker").length === 1, "an image worker");
  });
});
