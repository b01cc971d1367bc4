/** What containers, monitoring and licences need of the executable. */

import { describe, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROOT } from "../../scripts/setup.ts";
import { childrenOf } from "../support/child-processes.ts";
import { ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg, pictureOf } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([EXECUTABLE, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  return await ended(child);
}

describe("mir ready", () => {
  test("says whether a node serves, drains or is not there", async () => {
    await using mesh = await startMesh({ edges: ["edge"], drainGrace: "30s" });
    const flags = ["--topology", mesh.topologyFile, "--server", "edge"];
    expect(await run(["ready", ...flags])).toEqual({ code: 0, out: "ready\n", err: "" });
    mesh.node("edge").process.kill("SIGTERM");
    await until(() => mesh.node("edge").log().includes("draining"), "the node drains");
    expect(await run(["ready", ...flags])).toEqual({ code: 1, out: "", err: "mir: draining\n" });
    await mesh.kill("edge", "SIGKILL");
    const gone = await run(["ready", ...flags]);
    expect(gone.code).toBe(1);
    expect(gone.err).toContain("is it running, on this machine, as this user?");
  });

  test("takes the node from the environment, as an image sets it; a flag goes before", async () => {
    await using mesh = await startMesh({ edges: ["edge"] });
    const env = { MIR_TOPOLOGY: mesh.topologyFile, MIR_SERVER: "edge" };
    expect((await run(["ready"], env)).code).toBe(0);
    const other = await run(["ready", "--server", "nobody"], env);
    expect(other.code).toBe(2);
    expect(other.err).toContain("has no server nobody");
    // the one that runs here, where none is named
    expect((await run(["ready"], { MIR_TOPOLOGY: mesh.topologyFile })).code).toBe(0);
    expect((await run(["ready"])).code).toBe(2);
    // the node itself: it finds its own topology so, and that its place is taken
    const second = await run(["serve"], env);
    expect(second.code).toBe(1);
    expect(second.err).not.toContain("say which node");
  });
});

test("mir notice prints the licences that are in the executable", async () => {
  const { code, out } = await run(["notice"]);
  expect(code).toBe(0);
  expect(out).toBe(readFileSync(join(ROOT, "NOTICE"), "utf8"));
});

describe("libvips of one's own", () => {
  const [installed = ""] = new Bun.Glob("sharp-libvips-linux*/lib/libvips-cpp.so.*").scanSync(
    join(ROOT, "node_modules/@img"),
  );
  const serveOne = async (folder: string): Promise<Mesh> => {
    const photos = join(folder, "photos");
    mkdirSync(photos, { recursive: true });
    await Bun.write(join(photos, "harbour.jpg"), await drawJpeg({ width: 640, height: 480 }));
    return startMesh({
      edges: ["edge"],
      origin: { origin_dir: photos },
      env: { MIR_LIBVIPS_DIR: folder, MIR_RUNTIME_DIR: join(folder, "runtime") },
    });
  };

  test("is loaded in place of the one inside, and not taken for a damaged one", async () => {
    using dir = makeTempDir();
    const own = join(dir.path, basename(installed));
    copyFileSync(join(ROOT, "node_modules/@img", installed), own);
    // the loader does not mind what follows the last section; the file is another one by it
    appendFileSync(own, "built by somebody else");
    for (let round = 0; round < 2; round++) {
      await using mesh = await serveOne(dir.path);
      const answer = await mesh.get("edge", "/puddle/harbour/sm/a.webp");
      expect(await pictureOf(answer)).toMatchObject({ format: "webp", width: 320 });
      const [worker] = childrenOf(mesh.node("edge").pid, "image-worker");
      const maps = readFileSync(`/proc/${worker}/maps`, "utf8");
      const [loaded = ""] = /\/\S*libvips-cpp\.so\S*/.exec(maps) ?? [];
      expect(loaded).toStartWith(join(dir.path, "runtime"));
      expect(readFileSync(loaded).equals(readFileSync(own))).toBe(true);
    }
  });

  test("that is not there is said, and no other is taken in its place", async () => {
    using dir = makeTempDir();
    await using mesh = await serveOne(dir.path);
    const said = (): boolean => mesh.node("edge").log().includes("MIR_LIBVIPS_DIR has no");
    await until(said, "the log says so");
    const answer = await mesh.get("edge", "/puddle/harbour/sm/a.webp");
    expect(answer.status).toBe(503);
  });
});

describe("monitoring", () => {
  const FILES = ["deploy/prometheus/alerts.yml", "deploy/grafana/mir.json"];

  test.each(FILES)("%s asks only for metrics that a node has", async (file) => {
    using photos = makeTempDir();
    const origin = { origin_dir: photos.path };
    await using mesh = await startMesh({ edges: ["edge-1", "edge-2"], origin });
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    const metrics = await (await fetch("http://mir/metrics", { unix })).text();
    const known = new Set(
      [...metrics.matchAll(/^((?:mir|process)_\w+)[{ ]/gm)].map(([, name]) => name),
    );
    // nodes without certificates have none to tell of
    known.add("mir_certificate_expiry_seconds");
    const asked = [
      ...readFileSync(join(ROOT, file), "utf8").matchAll(/\b(?:mir|process)_[a-z0-9_]+/g),
    ];
    expect(asked.length).toBeGreaterThan(20);
    expect([...new Set(asked.map(([name]) => name))].filter((name) => !known.has(name))).toEqual(
      [],
    );
  });

  const promtool = Bun.which("promtool");
  test.skipIf(promtool === null)(
    "Prometheus takes the rules, and they do what their cases say",
    () => {
      for (const args of [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
      ]) {
        const cwd = join(ROOT, "deploy/prometheus");
        const done = Bun.spawnSync([promtool ?? "", ...args], { cwd, stderr: "pipe" });
        expect(`${done.stdout}${done.stderr}`).toContain("SUCCESS");
        expect(done.exitCode).toBe(0);
      }
    },
  );

  test.skipIf(promtool === null)("Prometheus understands every query of the dashboard", () => {
    using dir = makeTempDir();
    const { panels } = JSON.parse(readFileSync(join(ROOT, "deploy/grafana/mir.json"), "utf8")) as {
      readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const rules = queries.map((query, i) => ({
      record: `query_${i}`,
      expr: query.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*"),
    }));
    const file = dir.write("queries.yml", JSON.stringify({ groups: [{ name: "all", rules }] }));
    const done = Bun.spawnSync([promtool ?? "", "check", "rules", file], { stderr: "pipe" });
    expect(`${done.stdout}${done.stderr}`).toContain(`SUCCESS: ${queries.length} rules found`);
  });

  test.skipIf(promtool === null)("Prometheus takes the scrape configuration", () => {
    const file = join(ROOT, "deploy/prometheus/scrape.yml");
    const done = Bun.spawnSync([promtool ?? "", "check", "config", "--syntax-only", file]);
    expect(done.exitCode).toBe(0);
  });
});
