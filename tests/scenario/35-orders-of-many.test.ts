/** Orders that name many pictures: done a batch after the other, told as one, with their progress on a terminal. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { openPseudoTerminal } from "../support/pseudo-terminal.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];

let photos: TempDir;
let mesh: Mesh;

beforeAll(async () => {
  photos = makeTempDir();
  await writePicture(photos.path, "harbour.jpg", { width: 800, height: 600 });
  const origin = { origin_dir: photos.path };
  mesh = await startMesh({ edges: EDGES, regionals: REGIONALS, origin });
}, 60_000);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

async function mir(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const node = ["--topology", mesh.topologyFile, "--server", "edge-1"];
  const child = Bun.spawn([EXECUTABLE, ...args, ...node], { stdout: "pipe", stderr: "pipe" });
  return await ended(child);
}

describe("mir purge and mir warm of many", () => {
  const ids = Array.from({ length: 150 }, (_, i) => `nobody-has-${i}`);

  test("do all of it, more than one order may name, and tell it as one", async () => {
    const { code, out } = await mir("purge", ...ids, "--json");
    expect(code).toBe(0);
    const { nodes } = JSON.parse(out) as { nodes: { server: string; had: { id: string }[] }[] };
    expect(nodes.map(({ server }) => server).sort()).toEqual([...EDGES, ...REGIONALS].sort());
    for (const { had } of nodes) expect(had.map(({ id }) => id)).toEqual(ids);
    const names = [...ids.slice(0, 9), "harbour"];
    const warm = await mir("warm", ...names, "--to", "edge-2", "--json");
    expect(warm.code).toBe(1);
    const { results } = JSON.parse(warm.out) as { results: { note: string; fault?: string }[] };
    expect(results).toHaveLength(names.length);
    expect(results.at(-1)).toMatchObject({ note: "stored" });
  }, 60_000);

  test("show on a terminal how far they are", async () => {
    const flags = ["--topology", mesh.topologyFile, "--server", "edge-1"];
    const size = { columns: 100, rows: 24 };
    await using purge = openPseudoTerminal(["purge", ...ids.slice(0, 40), ...flags], size);
    expect(await purge.exited).toBe(0);
    await until(() => purge.raw().includes("nobody-has-39"), "what became of the last one");
    expect(purge.raw()).toContain("32 of 40 ids, 0 variants dropped on 5 nodes");
    await using warm = openPseudoTerminal(["warm", ...ids.slice(0, 9), ...flags], size);
    expect(await warm.exited).toBe(1);
    await until(() => warm.raw().includes("failed 9"), "the sum of a server");
    expect(warm.raw()).toContain("8 of 9 pictures: failed 24");
  }, 60_000);

  test("do nothing at all where one of the ids is none", async () => {
    const { code, err } = await mir("purge", "harbour", "a/b");
    expect([code, err]).toEqual([2, expect.stringContaining("a/b is no id")]);
  });
});
