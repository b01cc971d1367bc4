/** Cache directories that a node cannot start with: one line says which file and what to do, and the exit code is 1. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { EXECUTABLE } from "../support/mesh.ts";
import {
  AS_ORDINARY_USER,
  chmodFolders,
  noOrdinaryUser,
  ownFolder,
} from "../support/ordinary-user.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

setDefaultTimeout(60_000);

let dir: TempDir;
beforeAll(() => {
  dir = makeTempDir();
  chmodSync(dir.path, 0o755);
  mkdirSync(join(dir.path, "photos"));
});
afterAll(() => {
  chmodFolders(dir.path, 0o755);
  dir[Symbol.dispose]();
});

/** `mir serve` on that directory, as another user than root. */
function serve(cacheDir: string) {
  const file = dir.write(
    "node.toml",
    `[meta]
name = "cache-dirs"
[[levels]]
[[levels.servers]]
name = "edge"
cache_dir = "${cacheDir}"
capacity = "1GiB"
workers = 1
public = [{ type = "net", host = "127.0.0.1", port = ${freePort()} }]
[[levels]]
[[levels.servers]]
name = "origin"
origin_dir = "${dir.path}/photos"
`,
  );
  return Bun.spawn(
    [...AS_ORDINARY_USER, EXECUTABLE, "serve", "--topology", file, "--server", "edge"],
    { stdout: "pipe", stderr: "pipe", timeout: 30_000 },
  );
}

/** How it ends. */
async function refusal(cacheDir: string): Promise<string> {
  const child = serve(cacheDir);
  const [code, text] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  expect(code).toBe(1);
  const lines = text.split("\n").filter((line) => line !== "" && !/ (info|warn) /.test(line));
  expect(lines.slice(1)).toEqual([]);
  return lines.join("");
}

/** A file of somebody else, which the node can neither read nor remove. */
function others(cacheDir: string, name: string, content: string): string {
  const path = join(cacheDir, name);
  for (let folder = dirname(path); folder !== cacheDir; folder = dirname(folder)) {
    ownFolder(folder);
  }
  writeFileSync(path, content);
  chmodSync(path, 0o000);
  chmodSync(dirname(path), dirname(path).endsWith(".mir") ? 0o755 : 0o555);
  return path;
}

/** A cache directory of the node's user. */
function fresh(name: string): string {
  return ownFolder(join(dir.path, name));
}

const reason = noOrdinaryUser(EXECUTABLE);

describe.skipIf(reason !== undefined)(
  `a node says what is wrong with its cache ${reason ?? ""}`,
  () => {
    test("where it may not write", async () => {
      const cacheDir = fresh("closed");
      chmodSync(cacheDir, 0o555);
      const said = await refusal(cacheDir);
      expect(said).toStartWith(`mir: cache_dir ${cacheDir} cannot be written: no permission for `);
      expect(said).toContain(`(chown -R `);
    });

    test("where it may not make one", async () => {
      const above = fresh("above");
      chmodSync(above, 0o555);
      expect(await refusal(join(above, "a", "cache"))).toContain("no permission for ");
    });

    test("where a file has its name", async () => {
      const path = dir.write("a-file", "text");
      expect(await refusal(path)).toContain(`${path}`);
      expect(await refusal(path)).toContain("is no directory");
    });

    test.each([
      [".mir/lock", "text"],
      [".mir/pid", "1"],
      [".mir/journal.1", ""],
      [".mir/tmp/1-0-0", "left"],
      [".mir/outbox/aside/x.json", "{}"],
    ])("where %s belongs to somebody else", async (name, content) => {
      const cacheDir = fresh(`others-${name.replaceAll("/", "-")}`);
      const path = others(cacheDir, name, content);
      const said = await refusal(cacheDir);
      expect(said).toStartWith(`mir: cache_dir ${cacheDir} cannot be written: no permission for `);
      expect(said).toContain(path);
    });

    test("but serves where it is only a picture, and says that it stays", async () => {
      const cacheDir = fresh("others-picture");
      const relname = "pi/ct/ur/xs/picture1.jpg";
      others(cacheDir, relname, "left");
      await using child = serve(cacheDir);
      let said = "";
      const decoder = new TextDecoder();
      for await (const bytes of child.stderr) {
        said += decoder.decode(bytes, { stream: true });
        if (said.includes("cache.stray_stuck")) break;
      }
      expect(said).toContain(relname);
      expect(child.exitCode).toBeNull();
    });
  },
);
