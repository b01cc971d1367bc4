/** What a node says at its start when it may open too few files. */

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { EXECUTABLE } from "../support/mesh.ts";
import { makeTempDir } from "../support/temp-dir.ts";

/** Until its `ready`, or its end. */
async function startWith(limit: number): Promise<{ ready: boolean; err: string; code: number }> {
  using dir = makeTempDir();
  mkdirSync(join(dir.path, "photos"));
  const edge = {
    ...{ name: "edge-1", cache_dir: join(dir.path, "cache"), capacity: "64MiB", workers: 1 },
    ...{ image_workers: 1, public: [{ type: "net", host: "127.0.0.1", port: 0 }] },
  };
  const origin = { name: "photos", origin_dir: join(dir.path, "photos") };
  const topology = { meta: { name: "few" }, levels: [{ servers: [edge] }, { servers: [origin] }] };
  dir.write("mesh.toml", stringify(topology));
  const args = ["serve", "--topology", join(dir.path, "mesh.toml"), "--server", "edge-1"];
  const limited = `ulimit -n ${limit}; exec "$@"`;
  const child = Bun.spawn(["bash", "-c", limited, "bash", EXECUTABLE, ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  let out = "";
  for await (const chunk of child.stdout) {
    out += new TextDecoder().decode(chunk);
    if (out.endsWith("ready\n")) child.kill("SIGKILL");
  }
  const err = await new Response(child.stderr).text();
  return { ready: out.endsWith("ready\n"), err, code: await child.exited };
}

test("far too few: it does not start, and says how many it needs and how to allow them", async () => {
  const { ready, err, code } = await startWith(150);
  expect([ready, code]).toEqual([false, 1]);
  expect(err).toMatch(/open files are limited to 150; .* needs at least 2\d\d: raise LimitNOFILE/);
});

test("few: it starts and warns", async () => {
  const { ready, err } = await startWith(1_000);
  expect(ready).toBe(true);
  expect(err).toMatch(/open_files\.low .*limited to 1000; .* up to 2\d\d\d with many clients/);
});

test("enough: not a word", async () => {
  const { ready, err } = await startWith(10_000);
  expect([ready, err.includes("open files")]).toEqual([true, false]);
});
