/** Nodes whose topology files differ: no request loops or hangs, and the difference shows. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEADLINES } from "../../src/base/deadlines.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { membersOf } from "../support/cache-status.ts";
import { type LevelTable, type Mesh, startMesh } from "../support/mesh.ts";
import { drawJpeg } from "../support/pictures.ts";

const IDS = Array.from({ length: 8 }, (_, i) => `picture-${i}`);
let photos: string;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  for (const [i, id] of IDS.entries()) {
    await Bun.write(join(photos, `${id}.jpg`), await drawJpeg({ width: 900, height: 600 + i }));
  }
});

afterAll(() => rmSync(photos, { recursive: true, force: true }));

/** So that its owner is another one for nearly every id. */
const shunned = (level: LevelTable | undefined, name: string): LevelTable => ({
  servers: (level?.servers ?? []).map((s) => (s["name"] === name ? { ...s, weight: 1e-9 } : s)),
});
const without = (level: LevelTable | undefined, name: string): LevelTable => ({
  servers: (level?.servers ?? []).filter((s) => s["name"] !== name),
});

/** Asks every node for every picture, all at once. */
async function askAll(mesh: Mesh, edges: readonly string[]) {
  const started = performance.now();
  const answers = await Promise.all(
    edges.flatMap((edge) =>
      IDS.map(async (id) => {
        const answer = await mesh.get(edge, `/puddle/${id}/md/a.jpg`);
        const hash = Bun.hash(await answer.bytes());
        return { id, status: answer.status, hash, passed: membersOf(answer).length };
      }),
    ),
  );
  return { answers, ms: performance.now() - started };
}

async function total(mesh: Mesh, names: readonly string[], counter: string): Promise<number> {
  const counts = await Promise.all(names.map((name) => mesh.counter(name, counter)));
  return counts.reduce((a, b) => a + b);
}

describe("two topologies", () => {
  test("with other members, each edge taking another one for the owner: every answer is right", async () => {
    const edges = ["edge-1", "edge-2", "edge-3"];
    await using mesh = await startMesh({
      edges,
      regionals: ["regional-1"],
      origin: { origin_dir: photos },
      levelsSeenBy(name, [edge, ...below]) {
        if (name === "edge-1") return [shunned(without(edge, "edge-3"), "edge-1"), ...below];
        if (name === "edge-2") return [shunned(without(edge, "edge-3"), "edge-2"), ...below];
        return [edge ?? { servers: [] }, ...below];
      },
    });
    const { answers, ms } = await askAll(mesh, edges);
    expect(ms).toBeLessThan(DEADLINES.requestMs);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    for (const id of IDS) {
      const hashes = answers.filter((a) => a.id === id).map(({ hash }) => hash);
      expect(new Set(hashes).size).toBe(1);
    }
    // asked node, its owner, regional: nobody forwards sideways what it was asked as owner
    expect(Math.max(...answers.map(({ passed }) => passed))).toBeLessThanOrEqual(3);
    expect(await total(mesh, ["edge-1", "edge-2"], "cross_peer_stream")).toBe(2 * IDS.length);
    for (const name of ["edge-1", "edge-2", "regional-1"]) {
      expect(await mesh.counter(name, "epoch_mismatch")).toBeGreaterThan(0);
    }
  }, 60_000);

  test("with the levels the other way round: what comes back to its asker is refused, and answered", async () => {
    const names = ["edge-1", "regional-1"];
    await using mesh = await startMesh({
      edges: ["edge-1"],
      regionals: ["regional-1"],
      origin: { origin_dir: photos },
      levelsSeenBy(name, [edge, regional, ...rest]) {
        const [first, second] = name === "regional-1" ? [regional, edge] : [edge, regional];
        return [first, second, ...rest].filter((level) => level !== undefined);
      },
    });
    const { answers, ms } = await askAll(mesh, ["edge-1"]);
    expect(ms).toBeLessThan(DEADLINES.requestMs);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await total(mesh, names, "peer_request")).toBeLessThan(IDS.length * LIMITS.hopsMax);
    expect(await total(mesh, names, "epoch_mismatch")).toBeGreaterThan(0);
  }, 60_000);
});
