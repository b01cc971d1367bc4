/** What shells complete of a mir command line: in bash and fish really asked, in zsh read for its syntax. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ended } from "../support/ended.ts";
import { EXECUTABLE } from "../support/mesh.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

const TOPOLOGY = `meta.name = "m"
[[levels]]
servers = [
  { name = "edge-1", cache_dir = "a", private = [{ host = "127.0.0.1", port = 5001 }] },
  { name = "edge-2", cache_dir = "b", private = [{ host = "127.0.0.1", port = 5002 }] },
]
`;

let dir: TempDir;
beforeAll(() => {
  dir = makeTempDir();
  symlinkSync(EXECUTABLE, join(dir.path, "mir"));
  writeFileSync(join(dir.path, "site.toml"), TOPOLOGY);
});
afterAll(() => dir[Symbol.dispose]());

async function run(...command: string[]): Promise<{ code: number; lines: string[]; err: string }> {
  const child = Bun.spawn(command, {
    cwd: dir.path,
    env: { ...process.env, PATH: `${dir.path}:${process.env["PATH"]}`, HOME: dir.path },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { code, out, err } = await ended(child);
  return { code, lines: out.split("\n").filter((line) => line !== ""), err };
}

/** As bash splits the line: `=` is a word of its own. */
async function inBash(...words: string[]): Promise<string[]> {
  const list = words.map((word) => `'${word}'`).join(" ");
  const script = `source <(mir completions bash)
COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _mir; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { lines, err } = await run("bash", "--norc", "-c", script);
  expect(err).toBe("");
  return lines;
}

describe("bash completes", () => {
  test("commands", async () => {
    expect(await inBash("mir", "wh")).toEqual(["why"]);
    expect(await inBash("mir", "")).toEqual(expect.arrayContaining(["serve", "purge", "--help"]));
  });

  test("the flags of a command, and what is on by default only to be turned off", async () => {
    expect(await inBash("mir", "why", "--s")).toEqual(["--server", "--size"]);
    expect(await inBash("mir", "demo", "--no")).toEqual(["--no-traffic"]);
  });

  test("the words that a flag takes", async () => {
    expect(await inBash("mir", "why", "--format", "w")).toEqual(["webp"]);
    expect(await inBash("mir", "why", "--format", "=", "w")).toEqual(["webp"]);
    expect(await inBash("mir", "completions", "")).toEqual(["bash", "zsh", "fish"]);
  });

  test("files", async () => {
    expect(await inBash("mir", "check", "si")).toEqual(["site.toml"]);
    expect(await inBash("mir", "serve", "--topology", "si")).toEqual(["site.toml"]);
  });

  test("the servers of the topology that the line names", async () => {
    const names = ["edge-1", "edge-2"];
    expect(await inBash("mir", "why", "--topology", "site.toml", "--server", "")).toEqual(names);
    expect(await inBash("mir", "why", "--topology", "=", "site.toml", "--server", "=")).toEqual(
      names,
    );
    expect(await inBash("mir", "why", "--server", "")).toEqual([]);
  });
});

describe.skipIf(Bun.which("fish") === null)("fish, where it is installed, completes", () => {
  const inFish = async (line: string): Promise<string[]> => {
    const { lines } = await run(
      "fish",
      "-c",
      `mir completions fish | source; complete -C '${line}'`,
    );
    return lines.map((text) => text.split("\t")[0] ?? "");
  };

  test("commands, flags, words and servers", async () => {
    expect(await inFish("mir wh")).toEqual(["why"]);
    expect(await inFish("mir why --si")).toEqual(["--size"]);
    expect(await inFish("mir why --format w")).toEqual(["webp"]);
    expect(await inFish("mir why --topology site.toml --server e")).toEqual(["edge-1", "edge-2"]);
  });
});

test.skipIf(Bun.which("zsh") === null)(
  "zsh, where it is installed, can read its script",
  async () => {
    writeFileSync(
      join(dir.path, "_mir"),
      await new Response(Bun.spawn([EXECUTABLE, "completions", "zsh"]).stdout).text(),
    );
    expect(await run("zsh", "-n", "_mir")).toMatchObject({ code: 0, err: "" });
  },
);

test("a shell without a script is told which there are", async () => {
  const { code, err } = await run("mir", "completions", "tcsh");
  expect(code).toBe(2);
  expect(err).toContain("there is no script for tcsh: bash, zsh, fish");
});
