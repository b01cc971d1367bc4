/** A mesh above an S3 store, with web ids that an API resolves. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { outcomeOf } from "../support/cache-status.ts";
import { type FaultyS3, startFaultyS3 } from "../support/faulty-s3.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg, pictureOf } from "../support/pictures.ts";
import { startS3Server } from "../support/s3-server.ts";
import { until } from "../support/until.ts";

function s3Tables(endpoint: string, bucket: string): Record<string, unknown> {
  return { s3: { host: endpoint, bucket, region: "us-east-1", path_style: true } };
}

function s3Env(keys: { accessKeyId: string; secretAccessKey: string }): Record<string, string> {
  return {
    MIR_S3_ACCESS_KEY_ID: keys.accessKeyId,
    MIR_S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
}

describe("an S3 store nobody here wrote", () => {
  test("serves originals found at their relname and flat", async () => {
    await using store = await startS3Server();
    const picture = await drawJpeg({ width: 1500, height: 1000 });
    await store.put("ab/cd/ef/orig/abcdef0001.jpg", picture);
    await store.put("flat-name.jpg", picture);
    await using mesh = await startMesh({
      edges: ["edge-1", "edge-2"],
      regionals: ["regional-1"],
      origin: { is_s3_origin: true },
      tables: s3Tables(store.endpoint, store.bucket),
      env: s3Env(store.keys),
    });
    for (const id of ["abcdef0001", "flat-name"]) {
      const small = await mesh.get("edge-1", `/puddle/${id}/sm/a.webp`);
      expect(await pictureOf(small)).toMatchObject({ format: "webp", width: 320, height: 213 });
      const whole = await mesh.get("edge-2", `/puddle/${id}/orig/a.jpg`);
      expect(Buffer.compare(await whole.bytes(), picture)).toBe(0);
    }
    expect(await mesh.counter("regional-1", "origin_get")).toBe(2);
    const missing = await mesh.get("edge-1", "/puddle/nothing-here/sm/a.webp");
    expect(missing.status).toBe(404);
  });
});

describe("a store in trouble", () => {
  let store: FaultyS3;
  let mesh: Mesh;
  beforeAll(async () => {
    store = startFaultyS3();
    const picture = await drawJpeg({ width: 1500, height: 1000 });
    for (let i = 0; i < 6; i++) store.put(`picture-${i}.jpg`, picture);
    store.put("large-one.jpg", 20 * 2 ** 20);
    mesh = await startMesh({
      edges: ["edge-1"],
      regionals: ["regional-1"],
      origin: { is_s3_origin: true },
      tables: s3Tables(store.endpoint, "photos"),
      env: s3Env(store.keys),
    });
  });
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    store?.[Symbol.dispose]();
  });

  test("a store that refuses or fails is 502 and is not remembered as missing", async () => {
    for (const [i, status] of [500, 403].entries()) {
      store.fault = () => ({ kind: "status", status });
      const broken = await mesh.get("edge-1", `/puddle/picture-${i}/sm/a.jpg`);
      expect(broken.status).toBe(502);
      expect(broken.headers.get("cache-control")).toContain("no-store");
      expect(await broken.text()).not.toContain("127.0.0.1");
      store.fault = () => undefined;
      await until(async () => {
        const answer = await mesh.get("edge-1", `/puddle/picture-${i}/sm/a.jpg`);
        await answer.bytes();
        return answer.status === 200;
      }, "served once the store is well");
    }
  });

  test("a body the store cuts short is never served or kept as whole", async () => {
    store.fault = ({ method }) =>
      method === "GET" ? { kind: "cut", afterBytes: 5 * 2 ** 20 } : undefined;
    const cut = await mesh.get("edge-1", "/puddle/large-one/orig/a.jpg");
    const outcome = cut.status === 200 ? await cut.bytes().catch(() => "reset") : cut.status;
    expect(["reset", 502]).toContain(outcome as string);
    store.fault = () => undefined;
    await until(async () => {
      const whole = await mesh.get("edge-1", "/puddle/large-one/orig/a.jpg");
      const bytes = await whole.bytes().catch(() => new Uint8Array());
      return whole.status === 200 && bytes.length === 20 * 2 ** 20;
    }, "served whole once the store is well");
  });
});

describe("web ids that an API resolves", () => {
  test("one call an id, negative answers kept, an API that fails is 503, known ids go on", async () => {
    using store = startFaultyS3();
    store.put("content-0001.png", await drawJpeg({ width: 800, height: 600 }));
    const calls: string[] = [];
    let down = false;
    using api = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        const id = request.url.split("/").at(-1) ?? "";
        calls.push(id);
        if (down) return new Response("down", { status: 500 });
        if (id !== "holiday.2024") return new Response("no", { status: 404 });
        return Response.json({ contentId: "content-0001", ext: "png" });
      },
    });
    await using mesh = await startMesh({
      edges: ["edge-1"],
      origin: { is_s3_origin: true },
      tables: {
        ...s3Tables(store.endpoint, "photos"),
        services: { content_resolution_api: `http://127.0.0.1:${api.port}/papi/pt` },
      },
      server: { workers: 2 },
      env: s3Env(store.keys),
    });
    const ask = (id: string): Promise<Response> => mesh.get("edge-1", `/puddle/${id}/xs/a.jpg`);
    const many = await Promise.all(Array.from({ length: 20 }, () => ask("holiday.2024")));
    expect(many.map((a) => a.status)).toEqual(many.map(() => 200));
    expect(calls).toEqual(["holiday.2024"]);
    // the resolver knew the ext: nothing had to be guessed at the store
    expect(store.requests.filter((r) => r.includes(".jpg"))).toEqual([]);
    expect((await ask("unknown")).status).toBe(404);
    expect((await ask("unknown")).status).toBe(404);
    expect(calls.filter((id) => id === "unknown")).toHaveLength(1);
    down = true;
    const refused = await ask("never-seen");
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(outcomeOf(await ask("holiday.2024"))).toBe("hit");
  });
});
