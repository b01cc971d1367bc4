/** A great many clients on one cold picture, through every edge, and nodes that die in the middle of it. */

import { describe, expect, test } from "bun:test";
import { startFaultyS3 } from "../support/faulty-s3.ts";
import { type Flood, type FloodAnswer, startFlood } from "../support/flood.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { ranksOf } from "../support/owners.ts";
import { drawJpeg } from "../support/pictures.ts";
import { startRoughProxy } from "../support/rough-proxy.ts";
import { until } from "../support/until.ts";

/** The full size takes a machine to itself. */
const CLIENTS = Number(process.env["MIR_FLOOD_CLIENTS"] ?? 300);
const MIB = 2 ** 20;
const EDGES = ["edge-1", "edge-2", "edge-3"];
const REGIONALS = ["regional-1", "regional-2"];
const NODES = [...EDGES, ...REGIONALS];
const LARGE = "/puddle/viral-original/orig/a.jpg";
const LARGE_BYTES = 5 * MIB;

/** Three edges and two regionals above a store that sends 1 MiB a second on each connection. */
async function startSlowMesh() {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(startFaultyS3());
  const proxy = stack.use(startRoughProxy(() => store.port, { crawlBytes: MIB }));
  proxy.mode = "crawl";
  const endpoint = `http://127.0.0.1:${proxy.port}`;
  const mesh = stack.use(
    await startMesh({
      edges: EDGES,
      regionals: REGIONALS,
      origin: { is_s3_origin: true },
      tables: { s3: { host: endpoint, bucket: "photos", region: "us-east-1", path_style: true } },
      env: {
        MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
        MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
      },
    }),
  );
  const kept = stack.move();
  return { store, mesh, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function flood(mesh: Mesh, path: string): Promise<Flood> {
  return startFlood({ ports: EDGES.map((name) => mesh.node(name).port), clients: CLIENTS, path });
}

async function sum(mesh: Mesh, counter: string, nodes: readonly string[]): Promise<number> {
  const counts = await Promise.all(nodes.map((node) => mesh.counter(node, counter)));
  return counts.reduce((a, b) => a + b, 0);
}

function kinds(answers: readonly FloodAnswer[]) {
  const kind = ({ status, whole, bytes, hash }: FloodAnswer): string =>
    JSON.stringify({ status, whole, bytes, hash });
  return [...new Set(answers.map(kind))].map((text): unknown => JSON.parse(text));
}

function pattern(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** An original that is like no other place of itself. */
function largeOriginal(): Uint8Array {
  const words = new Uint32Array(LARGE_BYTES / 4);
  for (let i = 0, x = 1; i < words.length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

const original = largeOriginal();
const right = { status: 200, whole: true, bytes: LARGE_BYTES, hash: pattern(original) };

describe(`${CLIENTS} clients over three edges on one cold picture`, () => {
  test("of 5 MiB get it whole from one GET at the store, and it goes once between two nodes", async () => {
    await using slow = await startSlowMesh();
    const { store, mesh } = slow;
    store.put("viral-original.jpg", original);
    const answers = await (await flood(mesh, LARGE)).answers;
    expect(kinds(answers)).toEqual([right]);
    expect(answers).toHaveLength(CLIENTS);
    expect(await sum(mesh, "origin_get", NODES)).toBe(1);
    expect(store.requests.filter((r) => r.startsWith("GET"))).toHaveLength(1);
    expect(await sum(mesh, "upstream_fetch", EDGES)).toBe(1);
    // each of the two edges that do not own it asks the one that does; and a second time at most, when
    // more came while the first answer went to one client alone
    const [owner = ""] = await ranksOf(mesh.topologyFile, 0, "viral-original");
    const clients = await mesh.counter(owner, "http_requests");
    expect((await mesh.counter(owner, "lru_miss")) - clients).toBeLessThanOrEqual(4);
    expect(await sum(mesh, "lru_miss", REGIONALS)).toBe(1);
  }, 90_000);

  test("in a size that is made for them get it from one GET and one generation", async () => {
    await using slow = await startSlowMesh();
    const { store, mesh } = slow;
    store.put("viral-original.jpg", await drawJpeg({ width: 2400, height: 1600 }));
    const answers = await (await flood(mesh, "/puddle/viral-original/md/a.jpg")).answers;
    const [one, ...others] = kinds(answers);
    expect([one, others]).toMatchObject([{ status: 200, whole: true }, []]);
    expect(await sum(mesh, "origin_get", NODES)).toBe(1);
    expect(await sum(mesh, "generated", NODES)).toBe(1);
  }, 90_000);

  test("get it whole when the node that reads the store is killed in the middle", async () => {
    await using slow = await startSlowMesh();
    const { store, mesh } = slow;
    store.put("viral-original.jpg", original);
    const [owner = ""] = await ranksOf(mesh.topologyFile, 1, "viral-original");
    const flooding = await flood(mesh, LARGE);
    await until(async () => flooding.begun() >= CLIENTS, "all bodies have begun");
    await mesh.kill(owner);
    expect(kinds(await flooding.answers)).toEqual([right]);
    expect(store.requests.filter((r) => r.startsWith("GET")).length).toBeLessThanOrEqual(2);
  }, 90_000);

  test("get it whole when the edge that owns it is killed in the middle, but for its own clients", async () => {
    await using slow = await startSlowMesh();
    const { store, mesh } = slow;
    store.put("viral-original.jpg", original);
    const [owner = ""] = await ranksOf(mesh.topologyFile, 0, "viral-original");
    const { port } = mesh.node(owner);
    const flooding = await flood(mesh, LARGE);
    await until(async () => flooding.begun() >= CLIENTS, "all bodies have begun");
    await mesh.kill(owner);
    const answers = await flooding.answers;
    expect(kinds(answers.filter((a) => a.port !== port))).toEqual([right]);
    // nobody has taken a part of it for all
    expect(answers.filter((a) => a.port === port && a.whole && a.hash !== right.hash)).toEqual([]);
    expect(store.requests.filter((r) => r.startsWith("GET")).length).toBeLessThanOrEqual(2);
  }, 90_000);
});
