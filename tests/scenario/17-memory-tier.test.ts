/** Answers from memory in a node of two workers: both hold them, and neither after a purge. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const PATH = "/puddle/harbour1/orig/a.jpg";
let photos: TempDir;
let mesh: Mesh;

beforeAll(async () => {
  photos = makeTempDir();
  mesh = await startMesh({
    edges: ["edge"],
    origin: { origin_dir: photos.path },
    server: { workers: 2, ram: "16MiB" },
  });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  photos?.[Symbol.dispose]();
});

/** On a connection of its own, so that the kernel chooses a worker anew. */
async function ask(init: RequestInit = {}): Promise<{ status: number; bytes: Uint8Array }> {
  const headers = { ...init.headers, connection: "close" };
  const answer = await mesh.get("edge", PATH, { ...init, headers });
  return { status: answer.status, bytes: await answer.bytes() };
}

/** Both workers hold it, so that half of all connections find each of them. */
async function heat(kept: number): Promise<void> {
  await until(async () => {
    await ask();
    return (await mesh.counter("edge", "ram_kept")) >= kept;
  }, "both workers hold the picture");
}

async function metric(name: string): Promise<number> {
  const unix = `${mesh.node("edge").cacheDir}/.mir/admin.sock`;
  const text = await (await fetch("http://admin/metrics", { unix })).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
}

test("what is asked for again is answered from memory, byte for byte, and counted", async () => {
  const picture = await drawJpeg({ width: 640, height: 480 });
  photos.write("harbour1.jpg", picture);
  await heat(2);
  const [before, hits] = [
    await mesh.counter("edge", "ram_hit"),
    await mesh.counter("edge", "lru_hit"),
  ];
  for (let i = 0; i < 10; i++) expect((await ask()).bytes).toEqual(new Uint8Array(picture));
  const part = await ask({ headers: { range: "bytes=10-19" } });
  expect([part.status, part.bytes.length]).toEqual([206, 10]);
  expect(await mesh.counter("edge", "ram_hit")).toBe(before + 11);
  expect(await mesh.counter("edge", "lru_hit")).toBe(hits + 11);
  expect(await metric("mir_ram_bytes")).toBeGreaterThan(2 * picture.length);
  expect(await metric("mir_ram_capacity_bytes")).toBe(16 * 2 ** 20);
});

test("after a purge no worker answers with what was before", async () => {
  const next = await drawJpeg({ width: 500, height: 400 });
  photos.write("harbour1.jpg", next);
  const node = ["--topology", mesh.topologyFile, "--server", "edge"];
  const purge = Bun.spawnSync([EXECUTABLE, "purge", "harbour1", ...node]);
  expect(purge.exitCode).toBe(0);
  for (let i = 0; i < 20; i++) expect((await ask()).bytes).toEqual(new Uint8Array(next));
  await heat(4);
  // what was kept in the slack of the purge may have gone once more
  expect(await mesh.counter("edge", "ram_dropped")).toBeGreaterThanOrEqual(2);
});

test("after a block every worker refuses it", async () => {
  const node = ["--topology", mesh.topologyFile, "--server", "edge"];
  expect(Bun.spawnSync([EXECUTABLE, "purge", "harbour1", "--block", ...node]).exitCode).toBe(0);
  for (let i = 0; i < 20; i++) expect((await ask()).status).toBe(451);
});
