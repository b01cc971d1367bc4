/** What is asked for most lies on more servers, for as long as it is asked for. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { outcomeOf } from "../support/cache-status.ts";
import { type Mesh, type Status, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir, type TempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const EDGES = ["edge-1", "edge-2", "edge-3", "edge-4"];
const PATH = "/puddle/harbour/sm/a.jpg";
const COLD = "/puddle/meadow/sm/a.jpg";

let photos: TempDir;
let mesh: Mesh;
let owner: string;
let others: readonly string[];

beforeAll(async () => {
  photos = makeTempDir();
  await writePicture(photos.path, "harbour.jpg", { width: 1200, height: 900 });
  await writePicture(photos.path, "meadow.jpg", { width: 1200, height: 900 });
  mesh = await startMesh({
    edges: EDGES,
    origin: { origin_dir: photos.path },
    tables: { hot: { half_life: "10s" } },
  });
  const [first = "", ...rest] = await ranksOf(mesh.topologyFile, 0, "harbour");
  owner = first;
  others = rest;
}, 60_000);

afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  photos[Symbol.dispose]();
});

const hot = async (name: string): Promise<Status["hot"]> => (await mesh.status(name)).hot;
const ask = async (name: string, path = PATH): Promise<string | undefined> => {
  const answer = await mesh.get(name, path);
  await answer.bytes();
  expect(answer.status).toBe(200);
  return outcomeOf(answer);
};
const counts = async (counter: string): Promise<number> => {
  const all = await Promise.all(EDGES.map((edge) => mesh.counter(edge, counter)));
  return all.reduce((sum, one) => sum + one, 0);
};
const shown = async (): Promise<readonly string[]> =>
  (await hot(owner)).items.find(({ id }) => id === "harbour")?.holders ?? [];

describe("a picture that everybody asks for", () => {
  test("is copied to every server of the level, by its owner, once", async () => {
    await ask(owner, COLD);
    await until(async () => {
      await Promise.all(EDGES.map((edge) => ask(edge)));
      return (await shown()).length === others.length;
    }, "copies everywhere");
    expect([...(await shown())].sort()).toEqual([...others].sort());
    for (const edge of EDGES) expect(await ask(edge)).toBe("hit");
    expect(await counts("warm_sent")).toBe(others.length);
    expect(await counts("warm_stored")).toBe(others.length);
    expect(await counts("origin_get")).toBe(2);
  }, 60_000);

  test("is shown by those that have a copy, who count what they keep for others", async () => {
    for (const edge of others) expect((await hot(edge)).replicas.count).toBe(1);
    expect((await hot(owner)).replicas.count).toBe(0);
  });

  test("stays where it is when content is moved to its owners", async () => {
    for (const edge of others) {
      const unix = `${mesh.node(edge).cacheDir}/.mir/admin.sock`;
      const { passes } = (await mesh.status(edge)).rebalance;
      const headers = { "X-Mir-Admin": "1", "Content-Type": "application/json" };
      const body = JSON.stringify({ start: true });
      await (
        await fetch("http://admin/rebalance", { unix, method: "POST", headers, body })
      ).bytes();
      await until(async () => {
        await Promise.all(EDGES.map((one) => ask(one)));
        return (await mesh.status(edge)).rebalance.passes > passes;
      }, "a pass");
      expect(await ask(edge)).toBe("hit");
    }
    expect(await counts("rebalance_moved")).toBe(0);
  }, 60_000);

  test("is gone from all of them at once when it is purged, and comes anew", async () => {
    const unix = `${mesh.node(owner).cacheDir}/.mir/admin.sock`;
    const headers = { "X-Mir-Admin": "1", "Content-Type": "application/json" };
    const body = JSON.stringify({ ids: ["harbour"] });
    const answer = await fetch("http://admin/purge", { unix, method: "POST", headers, body });
    expect(answer.status).toBe(200);
    await answer.bytes();
    for (const edge of others) expect(await ask(edge)).not.toBe("hit");
  }, 30_000);

  test("is dropped by those that have a copy when nobody asks any more, and by nobody else", async () => {
    await until(async () => {
      await Promise.all(EDGES.map((edge) => ask(edge)));
      return (await shown()).length === others.length;
    }, "copies everywhere again");
    await until(async () => {
      const kept = await Promise.all(others.map(hot));
      return kept.every(({ replicas }) => replicas.count === 0);
    }, "copies dropped");
    await until(async () => (await shown()).length === 0, "forgotten by the owner");
    expect(await counts("replica_dropped")).toBeGreaterThanOrEqual(others.length);
    for (const edge of others) expect(await ask(edge)).toBe("peer");
    expect(await ask(owner)).toBe("hit");
    const [coldOwner = ""] = await ranksOf(mesh.topologyFile, 0, "meadow");
    expect(await ask(coldOwner, COLD)).toBe("hit");
  }, 60_000);
});
