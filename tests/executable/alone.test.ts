/** The executable by itself: an empty folder, no source tree in sight, hostile surroundings. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { EXECUTABLE } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mir-alone-"));
  mkdirSync(join(dir, "empty"));
  mkdirSync(join(dir, "photos"));
  copyFileSync(EXECUTABLE, join(dir, "mir"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function topology(photos: string, extra = ""): string {
  const path = join(dir, "alone.toml");
  writeFileSync(
    path,
    `[meta]
name = "alone"
[[levels]]
[[levels.servers]]
name = "edge"
cache_dir = "${join(dir, "cache")}"
capacity = "100MiB"
workers = 2
image_workers = 1
[[levels.servers.public]]
type = "net"
host = "127.0.0.1"
port = 0
${extra}
[[levels.servers.private]]
host = "127.0.0.1"
port = ${freePort()}
[[levels]]
[[levels.servers]]
name = "origin"
origin_dir = "${photos}"
`,
  );
  return path;
}

/** Runs the copy in the empty folder, with nothing of ours in the environment. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return Bun.spawn([join(dir, "mir"), ...args], {
    cwd: join(dir, "empty"),
    env: { PATH: "/usr/bin:/bin", HOME: join(dir, "home"), ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function serving(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = run(["serve", "--json", "--drain-grace", "0", "--exit-with-parent", ...args], env);
  const addresses: string[] = [];
  let rest = "";
  for await (const chunk of child.stdout) {
    const lines = (rest + Buffer.from(chunk).toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const said = JSON.parse(line) as { event: string; kind?: string; address?: string };
      if (said.kind === "public") addresses.push(said.address ?? "");
      if (said.event === "ready") return { child, addresses };
    }
  }
  throw new Error(`ended before ready: ${await new Response(child.stderr).text()}`);
}

describe("the executable alone", () => {
  test("serves, makes pictures, and ends cleanly from an empty folder", async () => {
    await writePicture(join(dir, "photos"), "harbour.jpg", { width: 1200, height: 900 });
    const { child, addresses } = await serving([
      "--topology",
      topology(join(dir, "photos")),
      "--server",
      "edge",
    ]);
    const answer = await fetch(`http://${addresses[0]}/puddle/harbour/sm/a.webp`);
    expect(await pictureOf(answer)).toMatchObject({ format: "webp", width: 320, height: 240 });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("keeps its libraries in a folder only its owner can enter, and repairs damaged ones", async () => {
    await writePicture(join(dir, "photos"), "harbour.jpg", { width: 1200, height: 900 });
    const runtime = join(dir, "runtime");
    mkdirSync(runtime, { mode: 0o700 });
    const args = ["--topology", topology(join(dir, "photos")), "--server", "edge"];
    const ask = async (size: string): Promise<number> => {
      const { child, addresses } = await serving(args, { MIR_RUNTIME_DIR: runtime });
      const { status } = await fetch(`http://${addresses[0]}/puddle/harbour/${size}/a.jpg`);
      child.kill("SIGKILL");
      await child.exited;
      return status;
    };
    expect(await ask("sm")).toBe(200);
    const libraries = await Array.fromAsync(new Bun.Glob("**/*.{so,so.*,node}").scan(runtime));
    expect(libraries.length).toBe(2);
    for (const library of libraries) {
      const path = join(runtime, library);
      const { size } = statSync(path);
      chmodSync(path, 0o600);
      writeFileSync(path, Buffer.alloc(size));
    }
    expect(await ask("xs")).toBe(200);
  });

  test("a folder that others could have prepared is not trusted", async () => {
    await writePicture(join(dir, "photos"), "harbour.jpg", { width: 1200, height: 900 });
    const runtime = join(dir, "open");
    mkdirSync(runtime);
    chmodSync(runtime, 0o777);
    const { child, addresses } = await serving(
      ["--topology", topology(join(dir, "photos")), "--server", "edge"],
      {
        MIR_RUNTIME_DIR: runtime,
      },
    );
    await fetch(`http://${addresses[0]}/puddle/harbour/sm/a.jpg`);
    const inside = await Array.fromAsync(new Bun.Glob("**/*.node").scan(runtime));
    expect(inside).toEqual([]);
    child.kill("SIGKILL");
    await child.exited;
  });

  test("unix sockets: one a worker; a stale file is replaced, a live one is an error", async () => {
    await writePicture(join(dir, "photos"), "harbour.jpg", { width: 1200, height: 900 });
    const socket = `[[levels.servers.public]]\ntype = "unix"\npath = "${join(dir, "edge.sock")}"\n`;
    const args = ["--topology", topology(join(dir, "photos"), socket), "--server", "edge"];
    const first = await serving(args);
    for (const index of [0, 1]) {
      const unix = join(dir, `edge.${index}.sock`);
      const answer = await fetch("http://mir/puddle/harbour/sm/a.jpg", { unix });
      expect(answer.status).toBe(200);
      await answer.bytes();
    }
    const rival = run(["serve", ...args]);
    expect(await rival.exited).toBe(1);
    expect(await new Response(rival.stderr).text()).toMatch(/mir: /);
    first.child.kill("SIGKILL");
    await first.child.exited;
    const second = await serving(args);
    const answer = await fetch("http://mir/puddle/harbour/sm/a.jpg", {
      unix: join(dir, "edge.0.sock"),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-status")).toContain("hit");
    second.child.kill("SIGKILL");
    await second.child.exited;
  });

  test("code in the folder it happens to stand in is not run", async () => {
    writeFileSync(join(dir, "empty", "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(
      join(dir, "empty", "evil.ts"),
      `require("fs").writeFileSync("${dir}/was-run", "")`,
    );
    const child = run(["--version"]);
    expect(await child.exited).toBe(0);
    expect(await Bun.file(join(dir, "was-run")).exists()).toBe(false);
  });

  test("says what is wrong with its command line, and ends with 2", async () => {
    for (const args of [["sevre"], ["serve"], ["serve", "--topologie", "x"], []]) {
      const child = run(args);
      expect(await child.exited).toBe(2);
    }
  });

  test("names every mistake of a topology, and what it cannot serve, and ends with 1", async () => {
    const path = topology(join(dir, "photos"));
    const text = await Bun.file(path).text();
    writeFileSync(
      path,
      text.replace("capacity", "capasity").replace('host = "127.0.0.1"', "hots = 1"),
    );
    const check = run(["check", path]);
    expect(await check.exited).toBe(1);
    const said = await new Response(check.stderr).text();
    expect(said).toContain("capasity");
    expect(said).toContain("capacity");
    expect(said).toContain("hots");
    writeFileSync(path, text);
    const origin = run(["serve", "--topology", path, "--server", "origin"]);
    expect(await origin.exited).toBe(1);
    expect(await new Response(origin.stderr).text()).toContain("origin store");
    const wrong = run(["serve", "--topology", path, "--server", "egde"]);
    expect(await wrong.exited).toBe(1);
    expect(await new Response(wrong.stderr).text()).toContain("did you mean edge");
  });
});
