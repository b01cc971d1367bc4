/** What lies with a peer of the lowest level is used before an original is read again. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeOf } from "../support/cache-status.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { pictureOf, writePicture } from "../support/pictures.ts";
import { until } from "../support/until.ts";

const ID = "harbour-01";
let photos: string;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  await writePicture(photos, `${ID}.jpg`, { width: 3000, height: 2000 });
}, 60_000);

afterAll(() => rmSync(photos, { recursive: true, force: true }));

async function isUp(mesh: Mesh, node: string, peer: string): Promise<boolean> {
  const { peers } = await mesh.status(node);
  return peers.find(({ name }) => name === peer)?.state === "up";
}

describe("an owner that was away while another one stood in", () => {
  let mesh: Mesh;
  let owner: string;
  let next: string;
  beforeAll(async () => {
    mesh = await startMesh({
      edges: ["edge-1", "edge-2"],
      origin: { origin_dir: photos },
      // a node that is new would look around anyway
      tables: { routing: { rebalance_window: "1s" } },
    });
    const [first = "", second = ""] = await ranksOf(mesh.topologyFile, 0, ID);
    [owner, next] = [first, second];
    await mesh.kill(owner);
    const answer = await mesh.get(next, `/puddle/${ID}/lg/x.jpg`);
    expect(answer.status).toBe(200);
    await answer.bytes();
    await mesh.start(owner);
    await until(() => isUp(mesh, owner, next), "the owner sees the other one");
  }, 60_000);
  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  test("makes a smaller variant of what that one has, and reads nothing from the origin", async () => {
    const answer = await mesh.get(owner, `/puddle/${ID}/sm/x.webp`);
    expect(await pictureOf(answer)).toMatchObject({ format: "webp", width: 320, height: 213 });
    expect(outcomeOf(answer)).toBe("peer");
    expect(await mesh.counter(owner, "origin_get")).toBe(0);
    expect(await mesh.counter(owner, "nearby_source")).toBe(1);
  }, 60_000);

  test("keeps what it made, and what it made it of", async () => {
    for (const path of [`/puddle/${ID}/sm/x.webp`, `/puddle/${ID}/lg/x.jpg`]) {
      const answer = await mesh.get(owner, path);
      await answer.bytes();
      expect(outcomeOf(answer)).toBe("hit");
    }
    expect(await mesh.counter(owner, "origin_get")).toBe(0);
  }, 60_000);

  test("still reads an original that nobody near has", async () => {
    await writePicture(photos, "meadow-02.jpg", { width: 600, height: 400 });
    const [first = ""] = await ranksOf(mesh.topologyFile, 0, "meadow-02");
    const before = await mesh.counter(first, "origin_get");
    const answer = await mesh.get(first, "/puddle/meadow-02/xs/x.jpg");
    expect(await pictureOf(answer)).toMatchObject({ width: 160, height: 107 });
    expect(await mesh.counter(first, "origin_get")).toBe(before + 1);
  }, 60_000);
});
