/** A network that loses what goes one way, or lets it crawl: requests end by their deadline, and right. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { outcomeOf } from "../support/cache-status.ts";
import { type LevelTable, type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { type RoughProxy, startRoughProxy } from "../support/rough-proxy.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";

interface PrivateTable {
  readonly host: string;
  readonly port: number;
}

/** edge-1 reaches edge-2 through the proxy; everybody else sees the true addresses. */
async function roughMesh(photos: TempDir): Promise<{ mesh: Mesh; proxy: RoughProxy }> {
  let truePort = 0;
  const proxy = startRoughProxy(() => truePort);
  const divert = (server: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    if (server["name"] !== "edge-2") return server;
    const [listener] = server["private"] as PrivateTable[];
    truePort = listener?.port ?? 0;
    return { ...server, private: [{ host: "127.0.0.1", port: proxy.port }] };
  };
  const mesh = await startMesh({
    edges: ["edge-1", "edge-2"],
    regionals: ["regional-1"],
    origin: { origin_dir: photos.path },
    levelsSeenBy(name, [edges, ...below]) {
      if (name !== "edge-1" || edges === undefined) return [edges ?? { servers: [] }, ...below];
      const seen: LevelTable = { servers: edges.servers.map(divert) };
      return [seen, ...below];
    },
  });
  return { mesh, proxy };
}

/** Asks a node for the pictures, all at once. The width tells a right answer, the code a clear refusal. */
async function askAll(mesh: Mesh, name: string, paths: readonly string[]) {
  return Promise.all(
    paths.map(async (path) => {
      const answer = await mesh.get(name, path);
      if (answer.status === 200) return { outcome: outcomeOf(answer), told: await widthOf(answer) };
      const { error } = (await answer.json()) as { error: { code: string } };
      return { outcome: "refused", told: error.code };
    }),
  );
}

async function widthOf(answer: Response): Promise<number> {
  return (await pictureOf(answer)).width;
}

test("answers that crawl at 10 KB/s, then answers that are lost one way", async () => {
  using photos = makeTempDir();
  const names = Array.from({ length: 12 }, (_, i) => `harbour-${i}`);
  for (const name of names) {
    const path = await writePicture(photos.path, `${name}.png`, { width: 700, height: 500 });
    // collected before it is sent, and too long for a crawl within a request's time
    expect(Bun.file(path).size).toBeGreaterThan(350_000);
    expect(Bun.file(path).size).toBeLessThan(LIMITS.collectBytesMax);
  }
  const { mesh, proxy } = await roughMesh(photos);
  await using running = mesh;
  using rough = proxy;
  const owners = await Promise.all(names.map((id) => ranksOf(running.topologyFile, 0, id)));
  const ids = names.filter((_, i) => owners[i]?.[0] === "edge-2").slice(0, 4);
  expect(ids.length).toBeGreaterThan(1);
  const phases = [
    ["clear", "sm"],
    ["crawl", "orig"],
    ["silent", "md"],
  ] as const;
  for (const [mode, size] of phases) {
    const paths = ids.map((id) => `/puddle/${id}/${size}/a.png`);
    rough.mode = "clear";
    const owner = await askAll(running, "edge-2", paths);
    rough.mode = mode;
    // each ends by its deadline: the picture, whoever it came from in the end, or that it took too long
    const asked = await askAll(running, "edge-1", paths);
    const right = asked.filter((a, i) => a.told === owner[i]?.told);
    expect(right.length).toBeGreaterThan(0);
    for (const { outcome, told } of asked.filter((a) => !right.includes(a))) {
      expect(outcome).toBe("refused");
      expect(["too_slow", "overloaded"]).toContain(String(told));
    }
    if (mode === "clear") expect(asked.some((a) => a.outcome === "peer")).toBe(true);
  }
}, 120_000);
