/** `mir demo`: a mesh of five real processes on loopback, from its start to its end. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");
/** A start of five processes beside other tests. */
const SLOW_MS = 60_000;

const dir = makeTempDir();
const photos = join(dir.path, "photos");

beforeAll(async () => {
  mkdirSync(photos);
  dir.write("photos/a damaged one.jpg", "no picture at all");
  for (const [i, name] of ["Castle.JPG", "lake.png"].entries()) {
    const noise = { type: "gaussian", mean: 90 + i * 60, sigma: 30 } as const;
    const picture = sharp({
      create: { width: 1800, height: 1200, channels: 3, background: "#000", noise },
    });
    await picture.toFile(join(photos, name));
  }
});

afterAll(() => dir[Symbol.dispose]());

interface Demo {
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  out(): string;
  err(): string;
}

function demo(args: readonly string[], stateDir?: string): Demo {
  const process_ = Bun.spawn([process.execPath, MAIN, "demo", ...args], {
    env: { ...process.env, ...(stateDir === undefined ? {} : { MIR_DEMO_DIR: stateDir }) },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return { process: process_, out: gather(process_.stdout), err: gather(process_.stderr) };
}

function gather(stream: ReadableStream<Uint8Array>): () => string {
  let text = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  })();
  return () => text;
}

/** Nothing of it runs any more: every node's admin socket refuses. */
async function isOver(stateDir: string): Promise<boolean> {
  const names = ["edge-1", "edge-2", "edge-3", "regional-1", "regional-2"];
  const answers = await Promise.allSettled(
    names.map((name) =>
      fetch("http://mir/healthz", { unix: join(stateDir, name, ".mir/admin.sock") }),
    ),
  );
  return answers.every((answer) => answer.status === "rejected");
}

describe("mir demo", () => {
  test(
    "--once --json shows hit, peer, upstream, origin and generated, and ends with 0",
    async () => {
      const run = demo(["--once", "--json", "--photos", photos]);
      const code = await run.process.exited;
      const taken = "Castle.JPG, a damaged one.jpg, lake.png";
      const err = `3 pictures of ${photos} take part: ${taken}\n`;
      expect({ code, err: run.err() }).toEqual({ code: 0, err });
      const document = JSON.parse(run.out());
      expect(document).toMatchObject({ ok: true, summary: { failed: 0, refused: 1, missing: [] } });
      const rows: { photo: string; status: number; outcome: string }[] = document.rows;
      const damaged = rows.filter((row) => row.photo === "a-damaged-one");
      expect(damaged).toMatchObject([{ status: 422, outcome: "refused" }]);
      const outcomes = new Set(rows.map((row) => row.outcome));
      for (const seen of ["hit", "peer", "upstream", "generated"]) expect(outcomes).toContain(seen);
    },
    SLOW_MS,
  );

  test(
    "runs until it is told to stop, its commands work, and it takes its nodes with it",
    async () => {
      const stateDir = join(dir.path, "state");
      const run = demo(["--no-traffic", "--photos", photos], stateDir);
      await until(() => run.out().includes("Ctrl-C"), "the demo runs");
      const commands = run.out().match(/^ {2}curl .*$/gm) ?? [];
      expect(commands).toHaveLength(4);
      for (const command of commands) {
        const curl = Bun.spawn(["sh", "-c", command.replace("curl ", "curl -f ")], {
          cwd: dir.path,
          stdout: "pipe",
        });
        const shown = await new Response(curl.stdout).text();
        expect({ command, code: await curl.exited }).toEqual({ command, code: 0 });
        expect(shown).toMatch(/Cache-Status: mir-|"server":"edge-1"/);
      }
      expect(existsSync(join(dir.path, "castle.jpg"))).toBe(true);
      run.process.kill("SIGINT");
      expect(await run.process.exited).toBe(0);
      expect(await isOver(stateDir)).toBe(true);
    },
    SLOW_MS,
  );

  test(
    "killed by SIGKILL, its nodes end by themselves",
    async () => {
      const stateDir = join(dir.path, "killed");
      const run = demo(["--json", "--photos", photos], stateDir);
      await until(() => run.out().includes('"running"'), "the demo runs");
      expect(await isOver(stateDir)).toBe(false);
      run.process.kill("SIGKILL");
      await until(() => isOver(stateDir), "the nodes ended");
    },
    SLOW_MS,
  );

  test(
    "a node that dies ends the demo, which says which one",
    async () => {
      const stateDir = join(dir.path, "lost");
      const run = demo(["--no-traffic", "--json", "--photos", photos], stateDir);
      await until(() => run.out().includes('"running"'), "the demo runs");
      const listed = Bun.spawnSync(["pgrep", "-P", String(run.process.pid), "-f", "regional-1"]);
      process.kill(Number(listed.stdout.toString().trim()), "SIGKILL");
      expect(await run.process.exited).toBe(1);
      expect(run.err()).toContain("regional-1 was ended by SIGKILL; the others are stopped");
      expect(await isOver(stateDir)).toBe(true);
    },
    SLOW_MS,
  );

  test("what it does not understand is wrong usage", async () => {
    const codes = [["--onec"], ["photos"], ["--photos", ""]].map(async (args) => {
      const run = demo(args);
      return run.process.exited;
    });
    expect(await Promise.all(codes)).toEqual([2, 2, 2]);
  });

  test("a directory without pictures is an error with its name", async () => {
    const empty = join(dir.path, "empty");
    mkdirSync(empty);
    const run = demo(["--once", "--photos", empty]);
    expect(await run.process.exited).toBe(1);
    await until(() => run.err().includes(`--photos ${empty}: no picture there`));
  });
});
