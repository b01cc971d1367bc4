/** Nodes that die or stand still: what they had begun goes on, and what they own is had from the next rank. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outcomeOf } from "../support/cache-status.ts";
import { sha256Of, writeLarge } from "../support/large-file.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { drawJpeg } from "../support/pictures.ts";
import { bodyOf, getRequest, rawExchange, statusOf } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const MIB = 2 ** 20;
/** More than all buffers between an owner and a client that does not read. */
const LARGE_BYTES = 64 * MIB;
const LARGE = "/puddle/panorama-large/orig/a.jpg";
const EDGES = ["edge-1", "edge-2", "edge-3"];

let photos: string;
let sha256: string;

beforeAll(async () => {
  photos = mkdtempSync(join(tmpdir(), "mir-photos-"));
  sha256 = writeLarge(join(photos, "panorama-large.jpg"), LARGE_BYTES);
  for (let i = 0; i < 6; i++) {
    const picture = await drawJpeg({ width: 900, height: 700 + i });
    await Bun.write(join(photos, `picture-${i}.jpg`), picture);
  }
});

afterAll(() => rmSync(photos, { recursive: true, force: true }));

function start(options: Partial<Parameters<typeof startMesh>[0]> = {}): Promise<Mesh> {
  return startMesh({
    edges: EDGES,
    regionals: ["regional-1", "regional-2"],
    origin: { origin_dir: photos },
    ...options,
  });
}

async function edgeRanks(mesh: Mesh, id: string): Promise<[string, string, string]> {
  const [first = "", second = "", third = ""] = await ranksOf(mesh.topologyFile, 0, id);
  return [first, second, third];
}

async function peerState(mesh: Mesh, node: string, peer: string): Promise<string> {
  return (await mesh.status(node)).peers.find(({ name }) => name === peer)?.state ?? "unknown";
}

/** Gets the large original over a raw socket and lets `harm` happen once the first MiB has come. */
async function getHarmed(port: number, harm: () => Promise<unknown>) {
  let harmed = false;
  const answer = await rawExchange({
    port,
    request: getRequest(LARGE),
    onBytes(received) {
      if (harmed || received < MIB) return undefined;
      harmed = true;
      return harm().then(() => undefined);
    },
  });
  const body = bodyOf(answer);
  return {
    status: statusOf(answer),
    terminated: answer.terminated,
    bytes: body.length,
    sha256: new Bun.CryptoHasher("sha256").update(body).digest("hex"),
  };
}

const WHOLE = { status: 200, terminated: true, bytes: LARGE_BYTES };

describe("a body that has begun", () => {
  for (const place of [1, 2]) {
    const asker = place === 2 ? "the last rank" : "the one that stands in";
    test(`outlives its owner, killed half-way: asked of ${asker}`, async () => {
      await using mesh = await start();
      const ranks = await edgeRanks(mesh, "panorama-large");
      const [owner] = ranks;
      const edge = ranks[place] ?? "";
      expect(await sha256Of(await mesh.get(owner, LARGE))).toBe(sha256);
      const got = await getHarmed(mesh.node(edge).port, () => mesh.kill(owner));
      expect(got).toEqual({ ...WHOLE, sha256 });
      expect(await mesh.counter(edge, "peer_failover")).toBe(1);
      expect(await mesh.counter(edge, "body_cut")).toBe(0);
    }, 60_000);
  }

  test("outlives an owner that stands still half-way", async () => {
    await using mesh = await start();
    const [owner, , edge] = await edgeRanks(mesh, "panorama-large");
    expect(await sha256Of(await mesh.get(owner, LARGE))).toBe(sha256);
    const got = await getHarmed(mesh.node(edge).port, async () => {
      process.kill(mesh.node(owner).pid, "SIGSTOP");
    });
    expect(got).toEqual({ ...WHOLE, sha256 });
    expect(await mesh.counter(edge, "peer_failover")).toBe(1);
    process.kill(mesh.node(owner).pid, "SIGCONT");
    await until(async () => (await peerState(mesh, edge, owner)) === "up", "the owner is back");
  }, 60_000);

  test("outlives the node of the level below from which it is being kept", async () => {
    await using mesh = await start({ edges: ["edge-1"] });
    const [below = "", other = ""] = await ranksOf(mesh.topologyFile, 1, "panorama-large");
    const got = await getHarmed(mesh.node("edge-1").port, () => mesh.kill(below));
    expect(got).toEqual({ ...WHOLE, sha256 });
    expect(await mesh.counter(other, "peer_request")).toBeGreaterThan(0);
    const kept = await mesh.get("edge-1", LARGE);
    expect(outcomeOf(kept)).toBe("hit");
    expect(await sha256Of(kept)).toBe(sha256);
  }, 60_000);
});

describe("an owner that is down", () => {
  test("is known to be, and rank 2 answers and keeps in its place until it is back", async () => {
    await using mesh = await start();
    const [owner, second, third] = await edgeRanks(mesh, "picture-1");
    await mesh.kill(owner);
    for (const edge of [second, third]) {
      await until(async () => (await peerState(mesh, edge, owner)) === "down", "down");
    }
    const first = await mesh.get(third, "/puddle/picture-1/md/a.jpg");
    expect(first.status).toBe(200);
    expect(outcomeOf(first)).toBe("peer");
    const again = await mesh.get(second, "/puddle/picture-1/md/a.jpg");
    expect(outcomeOf(again)).toBe("hit");
    expect(await again.bytes()).toEqual(await first.bytes());
    expect(await mesh.counter(third, "peer_failover")).toBe(1);
    expect(await mesh.counter(third, "peer_error")).toBeLessThanOrEqual(1);
    await mesh.start(owner);
    for (const edge of [second, third]) {
      await until(async () => (await peerState(mesh, edge, owner)) === "up", "up again");
    }
  }, 60_000);

  test("as a whole level is passed over: the edges go to the origin themselves", async () => {
    await using mesh = await start({ edges: ["edge-1", "edge-2"] });
    await Promise.all(["regional-1", "regional-2"].map((name) => mesh.kill(name)));
    for (let i = 0; i < 4; i++) {
      const answer = await mesh.get("edge-1", `/puddle/picture-${i}/sm/a.jpg`);
      expect({ i, status: answer.status }).toEqual({ i, status: 200 });
      await answer.bytes();
    }
  }, 60_000);

  test("is told by /status and /metrics: state, round trip, when it was last heard of", async () => {
    await using mesh = await start({ edges: ["edge-1", "edge-2"], regionals: ["regional-1"] });
    await until(async () => (await mesh.status("edge-1")).peers.every((p) => p.rttMs !== null));
    const before = (await mesh.status("edge-1")).peers;
    expect(before.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "edge-2 up",
      "regional-1 up",
    ]);
    for (const { rttMs, lastSeen } of before) {
      expect(rttMs).toBeGreaterThan(0);
      expect(Math.abs((lastSeen ?? 0) - Date.now() / 1000)).toBeLessThan(30);
    }
    await mesh.kill("edge-2");
    await until(async () => (await peerState(mesh, "edge-1", "edge-2")) === "down");
    const unix = join(mesh.node("edge-1").cacheDir, ".mir/admin.sock");
    const metrics = await (await fetch("http://admin/metrics", { unix })).text();
    expect(metrics).toContain('mir_peer_up{peer="edge-2"} 0');
    expect(metrics).toContain('mir_peer_up{peer="regional-1"} 1');
  }, 60_000);
});
