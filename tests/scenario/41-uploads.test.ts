/** Pictures that are uploaded: refused for what they are, visible at once, and carried to the store. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idOfBytes } from "../../src/content/keep-upload.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg, pictureOf } from "../support/pictures.ts";
import { startS3Server } from "../support/s3-server.ts";
import { until } from "../support/until.ts";
import { sha256Of, UPLOAD_KEY, upload } from "../support/uploads.ts";

// the machine may be busy with other tests
setDefaultTimeout(60_000);

const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
const env = { MIR_UPLOAD_KEYS: `other, ${UPLOAD_KEY}` };
let store: string;
let mesh: Mesh;

beforeAll(async () => {
  store = mkdtempSync(join(tmpdir(), "mir-store-"));
  mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1", "regional-2"],
    origin: { origin_dir: store },
    env,
  });
}, 60_000);

afterAll(async () => {
  await mesh?.[Symbol.asyncDispose]();
  rmSync(store, { recursive: true, force: true });
});

describe("an upload", () => {
  test("at any edge is at every edge as soon as it is acknowledged, and then in the store", async () => {
    for (const [i, edge] of EDGES.entries()) {
      const picture = await drawJpeg({ width: 800 * (i + 1), height: 600 * (i + 1) });
      const id = idOfBytes(sha256Of(picture));
      for (const asked of EDGES) {
        expect((await mesh.get(asked, `/puddle/${id}/orig/a.jpg`)).status).toBe(404);
      }
      const done = await upload(mesh.node(edge).url, picture);
      expect(done).toMatchObject({ status: 201, contentId: id, bytes: picture.length });
      for (const asked of EDGES) {
        const whole = await mesh.get(asked, `/puddle/${id}/orig/a.jpg`);
        expect(whole.status).toBe(200);
        expect(Buffer.compare(await whole.bytes(), picture)).toBe(0);
        const small = await mesh.get(asked, `/puddle/${id}/sm/a.webp`);
        expect(await pictureOf(small)).toMatchObject({ format: "webp", width: 320, height: 240 });
      }
      const path = join(store, done.relname ?? "");
      await until(() => existsSync(path), "in the store");
      expect(Buffer.compare(readFileSync(path), picture)).toBe(0);
    }
  });

  test("into an S3 store, byte for byte", async () => {
    await using s3 = await startS3Server();
    await using other = await startMesh({
      edges: ["edge-1", "edge-2"],
      regionals: ["regional-1"],
      origin: { is_s3_origin: true },
      tables: {
        s3: { host: s3.endpoint, bucket: s3.bucket, region: "us-east-1", path_style: true },
      },
      env: {
        ...env,
        MIR_S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
        MIR_S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      },
    });
    const client = new Bun.S3Client({ ...s3.keys, ...s3, region: "us-east-1" });
    for (const edge of ["edge-1", "edge-2"]) {
      const picture = await drawJpeg({
        width: 640,
        height: edge.length * 40 + Number(edge.at(-1)),
      });
      const contentId = `to-s3-${edge}`;
      const relname = `to/-s/3-/orig/${contentId}.jpg`;
      const done = await upload(other.node(edge).url, picture, { relname });
      expect(done).toMatchObject({ status: 201, contentId, relname, propagated: "queued" });
      // the server fails on what it is just writing
      const isThere = (): Promise<boolean> => client.exists(relname).catch(() => false);
      await until(isThere, "in the store");
      expect(sha256Of(await client.file(relname).bytes())).toBe(sha256Of(picture));
    }
  });

  test("in one region is at once in the others too, also where it was just found missing", async () => {
    await using regions = await startMesh({
      edges: ["edge-eu-1", "edge-eu-2", "edge-us-1", "edge-us-2"],
      regionals: ["regional-1"],
      origin: { origin_dir: store },
      serverOf: (name) => (name.startsWith("edge") ? { region: name.slice(5, 7) } : {}),
      env,
    });
    const edges = ["edge-eu-1", "edge-eu-2", "edge-us-1", "edge-us-2"];
    for (const [i, edge] of edges.entries()) {
      const picture = await drawJpeg({ width: 410 + i, height: 300 });
      const contentId = `in-regions-${i}`;
      const path = `/puddle/${contentId}/orig/a.jpg`;
      for (const asked of edges) expect((await regions.get(asked, path)).status).toBe(404);
      // it gets nowhere for now: what is seen is seen at the edge
      await regions.kill("regional-1");
      expect(await upload(regions.node(edge).url, picture, { contentId })).toMatchObject({
        status: 201,
      });
      for (const asked of edges) {
        const served = await regions.get(asked, path);
        expect([asked, served.status, sha256Of(await served.bytes())]).toEqual([
          asked,
          200,
          sha256Of(picture),
        ]);
      }
      await regions.start("regional-1");
    }
  }, 60_000);

  test("of the same bytes again is already there; of other bytes under the id a conflict", async () => {
    const picture = await drawJpeg({ width: 500, height: 400 });
    const changed = await drawJpeg({ width: 500, height: 401 });
    const contentId = "same-id-again";
    const [first, second, third] = EDGES.map((edge) => mesh.node(edge).url);
    expect((await upload(first ?? "", picture, { contentId })).status).toBe(201);
    for (const url of [first, second, third]) {
      expect(await upload(url ?? "", picture, { contentId })).toMatchObject({
        status: 200,
        digest: sha256Of(picture),
      });
      expect(await upload(url ?? "", changed, { contentId })).toMatchObject({
        status: 409,
        error: { code: "conflict" },
      });
    }
    const served = await mesh.get("edge-2", `/puddle/${contentId}/orig/a.jpg`);
    expect(Buffer.compare(await served.bytes(), picture)).toBe(0);
  });

  test("is compared with what only the store has", async () => {
    const picture = await drawJpeg({ width: 300, height: 200 });
    const changed = await drawJpeg({ width: 300, height: 201 });
    writeFileSync(join(store, "only-in-store.jpg"), picture);
    const { url } = mesh.node("edge-1");
    const contentId = "only-in-store";
    expect(await upload(url, changed, { contentId })).toMatchObject({ status: 409 });
    const known = await upload(url, picture, { contentId });
    expect(known).toMatchObject({ status: 200, contentId });
  });
});

describe("what is left behind", () => {
  test("is nothing: no temporary file, nothing pinned, an empty outbox", async () => {
    for (const name of [...EDGES, "regional-1", "regional-2"]) {
      const unix = join(mesh.node(name).cacheDir, ".mir/admin.sock");
      const metrics = async (): Promise<string> => {
        return (await fetch("http://admin/metrics", { unix })).text();
      };
      await until(async () => (await metrics()).includes("\nmir_outbox_pending 0\n"), name);
      expect(await metrics()).toContain("\nmir_cache_pinned_bytes 0\n");
      expect(readdirSync(join(mesh.node(name).cacheDir, ".mir/tmp"))).toEqual([]);
    }
  });
});
