/** Many clients on a cold picture: one load, whatever worker they came to. */

import { describe, expect, test } from "bun:test";
import { membersOf } from "../support/cache-status.ts";
import { startFaultyS3 } from "../support/faulty-s3.ts";
import { startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";

describe("one load", () => {
  test("two hundred clients at three edges on two workers each cost one GET at the store", async () => {
    using store = startFaultyS3();
    store.put("viral-picture.jpg", await drawJpeg({ width: 2400, height: 1600 }));
    const edges = ["edge-1", "edge-2", "edge-3"];
    await using mesh = await startMesh({
      edges,
      regionals: ["regional-1", "regional-2"],
      origin: { is_s3_origin: true },
      tables: {
        s3: { host: store.endpoint, bucket: "photos", region: "us-east-1", path_style: true },
      },
      server: { workers: 2 },
      env: {
        MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
        MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        // a connection of its own each, so that the kernel spreads them over the workers
        mesh.get(edges[i % 3] ?? "", "/puddle/viral-picture/md/a.jpg", {
          headers: { connection: "close" },
        }),
      ),
    );
    const bodies = await Promise.all(answers.map((a) => a.bytes()));
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]));
    expect(new Set(bodies.map((b) => Bun.hash(b))).size).toBe(1);
    expect(store.requests.filter((r) => r.startsWith("GET"))).toHaveLength(1);
    expect(answers.flatMap(membersOf).some((m) => m.collapsed)).toBe(true);
    const made = await Promise.all(
      ["regional-1", "regional-2", ...edges].map((n) => mesh.counter(n, "generated")),
    );
    expect(made.reduce((a, b) => a + b)).toBe(1);
  }, 60_000);

  test("a large body reaches every client while it arrives, from one GET", async () => {
    using store = startFaultyS3();
    store.put("large-one.jpg", 20 * 2 ** 20);
    await using mesh = await startMesh({
      edges: ["edge-1"],
      origin: { is_s3_origin: true },
      tables: {
        s3: { host: store.endpoint, bucket: "photos", region: "us-east-1", path_style: true },
      },
      server: { workers: 2 },
      env: {
        MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
        MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 24 }, () =>
        mesh.get("edge-1", "/puddle/large-one/orig/a.jpg", { headers: { connection: "close" } }),
      ),
    );
    const hashes = await Promise.all(answers.map(async (a) => Bun.hash(await a.bytes())));
    expect(new Set(hashes).size).toBe(1);
    expect(store.requests.filter((r) => r.startsWith("GET"))).toHaveLength(1);
  }, 60_000);
});
