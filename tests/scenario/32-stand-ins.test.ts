/** Image workers that are busy, stopped or killed: a larger variant is sent, the right one is made afterwards. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { relnameOf } from "../../src/base/variant.ts";
import { membersOf } from "../support/cache-status.ts";
import { drawNoise } from "../support/image-jobs.ts";
import { childrenOf } from "../support/memory.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf } from "../support/pictures.ts";
import { until } from "../support/until.ts";

let photos: string;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  const noise = await drawNoise(2400, 1800);
  // as a lossless file it is too large to be sent in place of anything
  const large = await sharp(noise).png().toBuffer();
  for (const id of ["photo-1", "photo-2", "photo-3", "photo-4", "photo-5"]) {
    await Bun.write(join(photos, `${id}.png`), large);
  }
});
afterAll(() => rmSync(photos, { recursive: true, force: true }));

const start = (more: Partial<Parameters<typeof startMesh>[0]> = {}): Promise<Mesh> =>
  startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: photos },
    tables: { limits: { stand_in_ms: 50, queue: 2, job_ms: 60_000 } },
    ...more,
  });

/** Stops the one image worker of a node in the middle of a job, until disposed. */
async function holdWorker(mesh: Mesh, node: string, path: string) {
  const { pid } = mesh.node(node);
  await until(() => childrenOf(pid).length === 1, "an image worker");
  const [child = 0] = childrenOf(pid);
  process.kill(child, "SIGSTOP");
  const asked = mesh.get(node, path);
  await until(async () => (await mesh.status(node)).images.busy === 1, "it is busy");
  return {
    asked,
    [Symbol.dispose]() {
      process.kill(child, "SIGCONT");
    },
  };
}

/** Reads it to its end. */
async function ask(mesh: Mesh, node: string, path: string) {
  const answer = await mesh.get(node, path);
  const { status, headers } = answer;
  const last = membersOf(answer).at(-1);
  const picture = status === 200 ? await pictureOf(answer) : undefined;
  if (picture === undefined) await answer.bytes();
  return { status, headers, last, picture };
}

describe("a node whose image worker is busy", () => {
  test("sends the nearest larger variant, marked and short-lived, and makes the right one by itself", async () => {
    await using mesh = await start();
    const large = await ask(mesh, "edge-1", "/puddle/photo-1/lg/a.webp");
    expect(large.picture).toMatchObject({ format: "webp", width: 2048 });
    const held = await holdWorker(mesh, "edge-1", "/puddle/photo-2/md/a.jpg");
    using _ = held;
    const instead = await ask(mesh, "edge-1", "/puddle/photo-1/md/a.webp");
    expect(instead.picture).toMatchObject({ format: "webp", width: 2048 });
    expect(instead.headers.get("cache-control")).toBe("public, max-age=10");
    expect(instead.headers.get("cache-status")).toBe("mir-edge-1; fwd=uri-miss; detail=stand-in");
    expect(instead.headers.get("etag")).toBe(large.headers.get("etag") ?? "none");
    const sameSize = await ask(mesh, "edge-1", "/puddle/photo-1/lg/a.avif");
    expect(sameSize.headers.get("content-type")).toBe("image/webp");
    expect(sameSize.last?.detail).toBe("stand-in");
    // hits go on as if nothing were the matter
    expect((await ask(mesh, "edge-1", "/puddle/photo-1/lg/a.webp")).last?.hit).toBe(true);
    expect(await mesh.counter("edge-1", "stand_in")).toBe(2);

    held[Symbol.dispose]();
    expect((await held.asked).status).toBe(200);
    await until(async () => (await mesh.counter("edge-1", "made_later")) === 2, "made");
    const right = await ask(mesh, "edge-1", "/puddle/photo-1/md/a.webp");
    expect(right.picture).toMatchObject({ format: "webp", width: 1024 });
    expect(right.last?.hit).toBe(true);
    expect(right.headers.get("cache-control")).toContain("immutable");
  }, 60_000);

  test("without one it sheds beyond its queue, with a time to come back", async () => {
    await using mesh = await start();
    await ask(mesh, "edge-1", "/puddle/photo-1/xs/a.jpg");
    const held = await holdWorker(mesh, "edge-1", "/puddle/photo-2/md/a.jpg");
    using _ = held;
    const waiting = ["photo-3", "photo-4"].map((id) =>
      ask(mesh, "edge-1", `/puddle/${id}/md/a.jpg`),
    );
    await until(async () => (await mesh.status("edge-1")).images.queued === 2, "the queue is full");
    // xs is there, and smaller; the original is too large
    const shed = await ask(mesh, "edge-1", "/puddle/photo-5/md/a.jpg");
    expect(shed.status).toBe(503);
    expect(Number(shed.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(shed.headers.get("cache-control")).toBe("no-store");
    expect((await mesh.status("edge-1")).images.queued).toBe(2);
    expect(await mesh.counter("edge-1", "shed")).toBe(1);
    held[Symbol.dispose]();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await held.asked).status).toBe(200);
  }, 60_000);

  test("lets go of work that nobody waits for any more", async () => {
    await using mesh = await start();
    await ask(mesh, "edge-1", "/puddle/photo-1/xs/a.jpg");
    const held = await holdWorker(mesh, "edge-1", "/puddle/photo-2/md/a.jpg");
    using _ = held;
    const client = new AbortController();
    const leaving = ["md", "lg"].map((size) =>
      mesh.get("edge-1", `/puddle/photo-1/${size}/a.jpg`, { signal: client.signal }),
    );
    const staying = mesh.get("edge-1", "/puddle/photo-1/lg/a.jpg");
    await until(async () => (await mesh.status("edge-1")).images.queued === 2, "both wait");
    client.abort();
    await Promise.allSettled(leaving);
    await until(async () => (await mesh.counter("edge-1", "image_left")) === 1, "one has left");
    // somebody else still waits for the other
    expect((await mesh.status("edge-1")).images.queued).toBe(1);
    held[Symbol.dispose]();
    expect((await staying).status).toBe(200);
    expect((await held.asked).status).toBe(200);
  }, 60_000);
});

describe("a level below whose image worker is busy", () => {
  test("answers with a marked one, which is kept under its own name only and stays marked", async () => {
    await using mesh = await start({ regionals: ["regional-1"] });
    await ask(mesh, "edge-1", "/puddle/photo-1/lg/a.jpg");
    await mesh.kill("edge-1");
    const { cacheDir } = mesh.node("edge-1");
    rmSync(cacheDir, { recursive: true, force: true });
    await mesh.start("edge-1");
    await until(async () => (await mesh.status("edge-1")).peers.every((p) => p.state === "up"));
    const { pid } = mesh.node("regional-1");
    const [child = 0] = childrenOf(pid);
    process.kill(child, "SIGSTOP");
    try {
      const asked = mesh.get("edge-1", "/puddle/photo-2/md/a.jpg");
      await until(async () => (await mesh.status("regional-1")).images.busy === 1, "busy");
      const instead = await ask(mesh, "edge-1", "/puddle/photo-1/md/a.jpg");
      expect(instead.picture?.width).toBe(2048);
      expect(instead.headers.get("cache-control")).toBe("public, max-age=10");
      expect(instead.last).toMatchObject({ detail: "stand-in" });
      const at = (size: string): string =>
        join(cacheDir, relnameOf({ id: "photo-1", size, ext: "jpg" }));
      expect([existsSync(at("lg")), existsSync(at("md"))]).toEqual([true, false]);
      expect(await mesh.counter("regional-1", "stand_in")).toBe(1);
      process.kill(child, "SIGCONT");
      expect((await asked).status).toBe(200);
      await until(async () => (await mesh.counter("regional-1", "made_later")) === 1, "made");
    } finally {
      process.kill(child, "SIGCONT");
    }
    // the edge makes it from what it was sent
    const right = await ask(mesh, "edge-1", "/puddle/photo-1/md/a.jpg");
    expect(right.picture?.width).toBe(1024);
    expect(right.headers.get("cache-control")).toContain("immutable");
  }, 60_000);
});

describe("a picture that kills image workers", () => {
  test("is refused for a while after the second, and nothing else suffers", async () => {
    // takes half a minute
    const image = { avif_effort: 9 };
    await using mesh = await start({ tables: { image, limits: { job_ms: 60_000 } } });
    await ask(mesh, "edge-1", "/puddle/photo-1/xs/a.jpg");
    await ask(mesh, "edge-1", "/puddle/photo-2/xs/a.jpg");
    const { pid } = mesh.node("edge-1");
    const asked = ask(mesh, "edge-1", "/puddle/photo-2/xl/a.avif");
    let killed = 0;
    for (let i = 0; i < 2; i++) {
      await until(async () => {
        const [child = killed] = childrenOf(pid);
        return child !== killed && (await mesh.status("edge-1")).images.busy === 1;
      }, "an image worker is busy");
      [killed = 0] = childrenOf(pid);
      process.kill(killed, "SIGKILL");
    }
    const first = await asked;
    expect(first.status).toBe(503);
    const again = await ask(mesh, "edge-1", "/puddle/photo-2/sm/a.jpg");
    expect(again.status).toBe(503);
    expect(Number(again.headers.get("retry-after"))).toBeGreaterThan(30);
    expect((await ask(mesh, "edge-1", "/puddle/photo-3/sm/a.jpg")).status).toBe(200);
    expect(await mesh.counter("edge-1", "image_poisoned")).toBe(1);
    expect(await mesh.counter("edge-1", "image_refused")).toBeGreaterThanOrEqual(1);
  }, 60_000);
});
