/** A change of topology under content that is warm: nothing of it is fetched again, and all of it finds its place. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { relnameOf } from "../../src/base/variant.ts";
import { outcomeOf } from "../support/cache-status.ts";
import {
  addEdge,
  heldBy,
  misplaced,
  ownerAtEdge,
  reload,
  restart,
  seeEachOther,
  setDraining,
  setRate,
  settled,
  sumOf,
} from "../support/changing-mesh.ts";
import { ended } from "../support/ended.ts";
import { EXECUTABLE, type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const PICTURES = 40;
const CLASSES = ["xs", "sm"] as const;
const IDS = Array.from({ length: PICTURES }, (_, n) => `picture-${n}`);
const REGIONALS = ["regional-1"];
/** Each variant lies where it belongs and nowhere else. */
const NO_COPIES = { hot: { replicate: false } };

async function drawOrigin(): Promise<{ readonly path: string } & Disposable> {
  const dir = makeTempDir();
  const origin = join(dir.path, "origin");
  mkdirSync(origin);
  await Promise.all(
    IDS.map((id, n) => writePicture(origin, `${id}.jpg`, { width: 400 + n, height: 300 })),
  );
  return { path: origin, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

/** Every picture in both classes at every node given; how often each outcome was met. */
async function askAll(mesh: Mesh, nodes: readonly string[]): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  for (const node of nodes) {
    for (const id of IDS) {
      for (const size of CLASSES) {
        const answer = await mesh.get(node, `/puddle/${id}/${size}/a.jpg`);
        const bytes = await answer.bytes();
        expect({ node, id, size, status: answer.status }).toEqual({ node, id, size, status: 200 });
        expect(bytes.length).toBeGreaterThan(0);
        const outcome = outcomeOf(answer);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
  }
  return outcomes;
}

async function mir(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([EXECUTABLE, ...args], { stdout: "pipe", stderr: "pipe" });
  return await ended(child);
}

/** `mir rebalance` at each node. */
async function rebalance(mesh: Mesh, nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    const args = ["--topology", mesh.topologyFile, "--server", node];
    const { code, err } = await mir("rebalance", ...args);
    expect({ node, code, err }).toEqual({ node, code: 0, err: "" });
  }
}

describe("a third edge joins two that are warm", () => {
  let mesh: Mesh;
  let origin: Awaited<ReturnType<typeof drawOrigin>>;
  const edges = ["edge-1", "edge-2", "edge-3"];

  beforeAll(async () => {
    origin = await drawOrigin();
    mesh = await startMesh({
      edges: ["edge-1", "edge-2"],
      regionals: REGIONALS,
      origin: { origin_dir: origin.path },
      // so slow that what moves in the background moves nothing much while the test asks
      tables: { routing: { rebalance_bytes_per_second: "16KiB" }, ...NO_COPIES },
    });
    await askAll(mesh, ["edge-1", "edge-2"]);
  }, 120_000);
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    origin?.[Symbol.dispose]();
  });

  test("every picture at every edge costs no read at the origin and no fetch from the level below", async () => {
    expect(await sumOf(mesh, REGIONALS, "origin_get")).toBe(PICTURES);
    const below = await sumOf(mesh, REGIONALS, "peer_request");
    addEdge(mesh, "edge-3");
    await mesh.start("edge-3");
    await restart(mesh, ["edge-1", "edge-2"]);
    await seeEachOther(mesh, edges);
    const ownerOf = ownerAtEdge(mesh);
    expect(IDS.filter((id) => ownerOf(id) === "edge-3").length).toBeGreaterThan(4);
    const outcomes = await askAll(mesh, edges);
    expect([...outcomes.keys()].sort()).toEqual(["hit", "peer"]);
    expect(await sumOf(mesh, edges, "upstream_fetch")).toBe(0);
    expect(await sumOf(mesh, REGIONALS, "origin_get")).toBe(PICTURES);
    expect(await sumOf(mesh, REGIONALS, "peer_request")).toBe(below);
    expect(await sumOf(mesh, ["edge-3"], "rebalance_found")).toBeGreaterThan(0);
  }, 60_000);

  test("`mir rebalance` leaves each edge with what it owns and only that", async () => {
    await rebalance(mesh, edges);
    expect(misplaced(mesh, edges)).toEqual([]);
    const ownerOf = ownerAtEdge(mesh);
    for (const edge of edges) {
      const owned = IDS.filter((id) => ownerOf(id) === edge);
      expect({ edge, held: heldBy(mesh, edge).length }).toEqual({
        edge,
        held: owned.length * CLASSES.length,
      });
    }
    const outcomes = await askAll(mesh, edges);
    expect([...outcomes.keys()].sort()).toEqual(["hit", "peer"]);
  }, 60_000);

  test("an edge that drains is emptied, and what it had costs no read below either", async () => {
    setDraining(mesh, "edge-2", true);
    await restart(mesh, edges);
    await seeEachOther(mesh, edges);
    const ownerOf = ownerAtEdge(mesh);
    expect(IDS.filter((id) => ownerOf(id) === "edge-2")).toEqual([]);
    await askAll(mesh, edges);
    await rebalance(mesh, edges);
    expect(heldBy(mesh, "edge-2")).toEqual([]);
    await until(() => mesh.node("edge-2").log().includes("drained empty"));
    expect(misplaced(mesh, edges)).toEqual([]);
    const outcomes = await askAll(mesh, edges);
    expect([...outcomes.keys()].sort()).toEqual(["hit", "peer"]);
    expect(await sumOf(mesh, edges, "upstream_fetch")).toBe(0);
    expect(await sumOf(mesh, REGIONALS, "origin_get")).toBe(PICTURES);
  }, 60_000);

  test("an edge that is put back by a reload gets its content back by itself", async () => {
    setDraining(mesh, "edge-2", false);
    setRate(mesh, "64MiB");
    await reload(mesh, edges);
    expect([...(await askAll(mesh, edges)).keys()].sort()).toEqual(["hit", "peer"]);
    await Promise.all(edges.map((edge) => settled(mesh, edge)));
    expect(misplaced(mesh, edges)).toEqual([]);
    expect(heldBy(mesh, "edge-2").length).toBeGreaterThan(PICTURES / 4);
    expect(await sumOf(mesh, edges, "upstream_fetch")).toBe(0);
    expect(await sumOf(mesh, REGIONALS, "origin_get")).toBe(PICTURES);
  }, 60_000);
});

describe("a third edge joins two that stand right above the origin", () => {
  test("and no original is read again, neither for a size that is there nor for one that is not", async () => {
    using origin = await drawOrigin();
    await using mesh = await startMesh({
      edges: ["edge-1", "edge-2"],
      origin: { origin_dir: origin.path },
      tables: { routing: { rebalance_bytes_per_second: "16KiB" }, ...NO_COPIES },
    });
    const edges = ["edge-1", "edge-2", "edge-3"];
    await askAll(mesh, ["edge-1", "edge-2"]);
    expect(await sumOf(mesh, ["edge-1", "edge-2"], "origin_get")).toBe(PICTURES);
    addEdge(mesh, "edge-3");
    await mesh.start("edge-3");
    await restart(mesh, ["edge-1", "edge-2"]);
    await seeEachOther(mesh, edges);
    expect([...(await askAll(mesh, edges)).keys()].sort()).toEqual(["hit", "peer"]);
    for (const id of IDS) {
      const answer = await mesh.get("edge-3", `/puddle/${id}/xs/a.webp`);
      expect(await answer.bytes().then(({ length }) => length)).toBeGreaterThan(0);
      expect({ id, status: answer.status }).toEqual({ id, status: 200 });
    }
    expect(await sumOf(mesh, edges, "origin_get")).toBe(0);
    expect(await sumOf(mesh, edges, "origin_probe")).toBe(0);
  }, 120_000);
});

describe("nodes that die while content moves", () => {
  test("lose nothing, and go on where they were once they are back", async () => {
    using origin = await drawOrigin();
    await using mesh = await startMesh({
      edges: ["edge-1", "edge-2"],
      regionals: REGIONALS,
      origin: { origin_dir: origin.path },
      tables: { routing: { rebalance_bytes_per_second: "8KiB" }, ...NO_COPIES },
    });
    const edges = ["edge-1", "edge-2", "edge-3"];
    await askAll(mesh, ["edge-1", "edge-2"]);
    addEdge(mesh, "edge-3");
    await mesh.start("edge-3");
    await restart(mesh, ["edge-1"]);
    const moving = async (name: string): Promise<boolean> => {
      const { moved, left } = (await mesh.status(name)).rebalance;
      return moved > 1 && left > 1;
    };
    // the one that gives, then the one that takes
    await until(() => moving("edge-1"), "edge-1 is moving");
    await mesh.kill("edge-1");
    await restart(mesh, ["edge-2"]);
    await until(() => moving("edge-2"), "edge-2 is moving");
    await mesh.kill("edge-3");
    const held = new Set(edges.flatMap((edge) => heldBy(mesh, edge).map(relnameOf)));
    expect(held.size).toBe(PICTURES * CLASSES.length);

    setRate(mesh, "64MiB");
    await mesh.start("edge-3");
    await mesh.start("edge-1");
    await restart(mesh, ["edge-2"]);
    const [one, two] = await Promise.all([settled(mesh, "edge-1"), settled(mesh, "edge-2")]);
    expect(misplaced(mesh, edges)).toEqual([]);
    await seeEachOther(mesh, edges);
    const third = IDS.filter((id) => ownerAtEdge(mesh)(id) === "edge-3").length * CLASSES.length;
    expect(heldBy(mesh, "edge-3").length).toBe(third);
    expect(one.moved + two.moved).toBeGreaterThan(third / 2);
    const outcomes = await askAll(mesh, edges);
    expect([...outcomes.keys()].sort()).toEqual(["hit", "peer"]);
    expect(await sumOf(mesh, edges, "upstream_fetch")).toBe(0);
    expect(await sumOf(mesh, REGIONALS, "origin_get")).toBe(PICTURES);
  }, 120_000);
});
