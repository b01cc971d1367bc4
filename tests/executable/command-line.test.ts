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

/** An edge that is not running, with originals in a folder. */
function topologyOf(originDir: string): string {
  return `meta.name = "m"
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
origin_dir = "${originDir}"
`;
}

describe("the command line", () => {
  test("has no colours where nobody sees them", async () => {
    for (const args of [["--help"], ["serve", "--help"], ["serve"]]) {
      const { out, err } = await run(...args);
      expect(out + err).toContain("mir");
      expect(out + err).not.toContain("\x1b");
    }
  });

  test("help of a command is the same in both orders", async () => {
    const [one, other] = [await run("help", "why"), await run("why", "--help")];
    expect(one).toEqual(other);
    expect(one.out).toContain("--size");
    expect(await run("help", "wy")).toMatchObject({ code: 2 });
  });

  test.each(["serve", "status", "top", "demo", "notice"])(
    "mir %s takes no word that belongs to no flag",
    async (command) => {
      const { code, err } = await run(command, "extra");
      expect([code, err]).toEqual([
        2,
        expect.stringContaining(`extra: mir ${command} takes flags`),
      ]);
    },
  );

  test("names a flag that is not there, and the one that was meant, before what is missing", async () => {
    const { code, err } = await run("serve", "--topolgy", "x.toml", "--server", "edge");
    expect(code).toBe(2);
    expect(err).toContain("unknown flag --topolgy (did you mean --topology?)");
  });

  test("says in two lines what is wrong with it, and where help is", async () => {
    const { err } = await run("status", "--colour");
    expect(err.trim().split("\n")).toEqual([
      expect.stringContaining("unknown flag --colour"),
      "see mir status --help",
    ]);
  });

  test.each(["status", "ready", "why abcdef", "purge abcdef", "rebalance", "statusline"])(
    "mir %s takes an address of an admin listener only with its scheme",
    async (command) => {
      for (const address of ["localhost:1", "127.0.0.1:1"]) {
        const { code, err } = await run(...command.split(" "), "--admin", address);
        expect(code).toBe(2);
        expect(err).toStartWith(`mir: --admin ${address}: expected http://host:port\n`);
      }
    },
  );

  test("says of a node that is not there what it found, in its own words", async () => {
    const net = await run("ready", "--admin", `http://127.0.0.1:${freePort()}`);
    expect([net.code, net.err]).toEqual([1, expect.stringMatching(/: nobody listens there\n$/)]);
    const file = join(dir.path, "here.toml");
    writeFileSync(file, topologyOf("originals"));
    const unix = await run("ready", "--topology", file, "--server", "edge");
    expect([unix.code, unix.err]).toEqual([1, expect.stringMatching(/: there is no socket\n$/)]);
    for (const command of ["ready", "rebalance"]) {
      const none = await run(command, "--topology", file);
      const why = /no server of .* answers on this machine/;
      expect([none.code, none.err]).toEqual([1, expect.stringMatching(why)]);
    }
  });

  test("check looks at each file that it is given, or at that of the environment", async () => {
    const good = join(dir.path, "good.toml");
    const bad = join(dir.path, "bad.toml");
    writeFileSync(good, topologyOf("originals"));
    writeFileSync(bad, "nonsense = 1\n");
    const both = await run("check", good, bad);
    expect(both.code).toBe(1);
    expect(both.out).toContain(`${good}:\n`);
    expect(both.err).toContain("bad.toml:1:1  nonsense");
    const child = Bun.spawn([EXECUTABLE, "check"], {
      env: { ...process.env, MIR_TOPOLOGY: bad },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect((await ended(child)).err).toContain("bad.toml:1:1  nonsense");
    expect((await run("check")).code).toBe(2);
  });

  test("check tells of a file that is not there as of other mistakes, and of those beside it", async () => {
    const good = dir.write("beside.toml", topologyOf("originals"));
    const gone = join(dir.path, "gone.toml");
    const { code, out, err } = await run("check", gone, good);
    expect(code).toBe(1);
    expect(err).toContain(`${gone}:1  found none that can be read (ENOENT)`);
    expect(out).toContain("1 server");
    const json = await run("check", "--json", gone, good);
    const told = json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(told.map(({ ok, file }) => [ok, file])).toEqual([
      [false, gone],
      [true, good],
    ]);
    expect(told[0].mistakes).toMatchObject([{ file: gone, expected: "a topology file" }]);
  });

  test("check warns of a folder of originals that is not here", async () => {
    const file = join(dir.path, "gone.toml");
    writeFileSync(file, topologyOf("gone"));
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
