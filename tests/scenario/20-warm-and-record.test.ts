/** Replicas made by hand, and what they tell their owner. */

import { expect, test } from "bun:test";
import { outcomeOf } from "../support/cache-status.ts";
import { EXECUTABLE, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

test("mir warm makes replicas; their hits are told to the owner", async () => {
  using photos = makeTempDir();
  await writePicture(photos.path, "harbour.jpg", { width: 1200, height: 900 });
  const edges = ["edge-1", "edge-2", "edge-3"];
  await using mesh = await startMesh({
    edges,
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
  });
  const warm = async (...args: string[]): Promise<{ code: number; out: string }> => {
    const child = Bun.spawn(
      [
        EXECUTABLE,
        "warm",
        ...args,
        "--topology",
        mesh.topologyFile,
        "--server",
        "edge-1",
        "--json",
      ],
      { stdout: "pipe", stderr: "pipe" },
    );
    return { code: await child.exited, out: await new Response(child.stdout).text() };
  };
  const first = await warm("harbour", "--size", "sm,xs", "--format", "webp");
  expect(first.code).toBe(0);
  const { results } = JSON.parse(first.out) as { results: { server: string; note: string }[] };
  expect(results).toHaveLength(6);
  expect(new Set(results.map((r) => r.server))).toEqual(new Set(edges));
  for (const edge of edges) {
    const answer = await mesh.get(edge, "/puddle/harbour/sm/a.webp");
    expect(outcomeOf(answer)).toBe("hit");
    await answer.bytes();
  }
  await until(async () => {
    const heard = await Promise.all(edges.map((edge) => mesh.counter(edge, "replica_hit")));
    return heard.reduce((a, b) => a + b) === 2;
  }, "two replicas told their hit");
  const again = await warm("harbour", "--size", "sm", "--format", "webp", "--to", "edge-2");
  expect(JSON.parse(again.out)).toMatchObject({ results: [{ server: "edge-2", note: "already" }] });
  const missing = await warm("not-there-at-all");
  expect(missing.code).toBe(1);
  expect((await warm("harbour", "--to", "nobody")).code).toBe(1);
}, 30_000);
