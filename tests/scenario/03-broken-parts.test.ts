/** Damaged pictures, killed image workers, killed worker threads' peers: what breaks stays small. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childrenOf } from "../support/memory.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { until } from "../support/until.ts";

let photos: string;
let mesh: Mesh;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  for (let i = 0; i < 6; i++) {
    await writePicture(photos, `field-${i}.png`, { width: 2600, height: 2000 });
  }
  const whole = await Bun.file(join(photos, "field-0.png")).bytes();
  await Bun.write(join(photos, "cut-short.png"), whole.subarray(0, whole.length / 2));
  await Bun.write(join(photos, "not-a-picture.jpg"), "this is text and no picture at all");
  await Bun.write(join(photos, "script.jpg"), '<svg xmlns="http://www.w3.org/2000/svg"></svg>');
  await Bun.write(join(photos, "empty-file.jpg"), "");
  mesh = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos } });
});

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(photos, { recursive: true, force: true });
});

describe("damaged pictures", () => {
  test("an empty file is no original: 404, and the log names it", async () => {
    expect((await mesh.get("edge-1", "/puddle/empty-file/md/a.jpg")).status).toBe(404);
    expect((await mesh.get("edge-1", "/puddle/empty-file/orig/a.jpg")).status).toBe(404);
    expect(mesh.node("edge-1").log()).toContain("origin_empty_file");
  });

  for (const id of ["cut-short", "not-a-picture", "script"]) {
    test(`${id} is 422 that may be kept for a minute, as JSON, and the node lives on`, async () => {
      const answer = await mesh.get("edge-1", `/puddle/${id}/md/a.jpg`);
      expect(answer.status).toBe(422);
      expect(answer.headers.get("cache-control")).toContain("max-age=60");
      const { error } = (await answer.json()) as {
        error: { code: string; message: string; hint: string };
      };
      expect(error.hint.length).toBeGreaterThan(5);
      expect(JSON.stringify(error)).not.toContain(mesh.dir);
      expect((await mesh.get("edge-1", "/puddle/field-0/xs/a.jpg")).status).toBe(200);
    });
  }

  test("an SVG is handed out as bytes only, never as something a browser runs", async () => {
    const answer = await mesh.get("edge-1", "/puddle/script/orig/a.svg");
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("image workers", () => {
  test("a killed image worker costs one request at most, answered 503 or tried again", async () => {
    const asked = [1, 2, 3, 4, 5].map((i) => mesh.get("edge-1", `/puddle/field-${i}/xl/a.webp`));
    const { pid } = mesh.node("edge-1");
    await until(async () => (await mesh.status("edge-1")).images.busy > 0);
    for (const child of childrenOf(pid)) process.kill(child, "SIGKILL");
    const answers = await Promise.all(asked);
    const failed = answers.filter((a) => a.status !== 200);
    expect(failed.map((a) => a.status)).toEqual(failed.map(() => 503));
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const answer of answers.filter((a) => a.status === 200)) {
      expect(await pictureOf(answer)).toMatchObject({ format: "webp", width: 2600, height: 2000 });
    }
    expect(await mesh.counter("edge-1", "image_worker_restart")).toBeGreaterThanOrEqual(1);
  }, 60_000);
});

describe("time", () => {
  test("what nobody asks for any more is dropped, and made again when somebody does", async () => {
    await using short = await startMesh({
      edges: ["edge-1"],
      origin: { origin_dir: photos },
      tables: { cache: { expire_unused: "1s" } },
    });
    const first = await short.get("edge-1", "/puddle/field-1/xs/a.jpg");
    const etag = first.headers.get("etag");
    await first.bytes();
    await until(async () => (await short.status("edge-1")).cache.variants === 0, "all dropped");
    await until(async () => (await short.counter("edge-1", "expired")) >= 2, "counted");
    const again = await short.get("edge-1", "/puddle/field-1/xs/a.jpg");
    expect(again.status).toBe(200);
    expect(again.headers.get("etag")).toBe(etag ?? "none");
    await again.bytes();
  });

  test("a node that was stopped and one that was killed both start warm", async () => {
    await using warm = await startMesh({ edges: ["edge-1"], origin: { origin_dir: photos } });
    const ask = (): Promise<Response> => warm.get("edge-1", "/puddle/field-2/sm/a.jpg");
    const etag = (await ask()).headers.get("etag");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      expect(await warm.kill("edge-1", signal)).toBe(signal === "SIGTERM" ? 0 : 137);
      await warm.start("edge-1");
      const answer = await ask();
      expect(answer.headers.get("cache-status")).toContain("hit");
      expect(answer.headers.get("etag")).toBe(etag ?? "none");
      await answer.bytes();
    }
  });
});
