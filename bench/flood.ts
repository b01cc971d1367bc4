/**
 * MIR_CLIENTS (1000) clients over three edges on one cold picture of 5 MiB behind a store of 1 MiB a second, then on two sizes that
 * are made for them: when the first byte comes, what each answer takes after the first one was whole, what the store and
 * the links were asked. The mesh has served such a crowd for another picture before. MIR_ROUNDS (3) meshes, median of them.
 */

import { startFaultyS3 } from "../tests/support/faulty-s3.ts";
import { type FloodAnswer, startFlood } from "../tests/support/flood.ts";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { startRoughProxy } from "../tests/support/rough-proxy.ts";

const CLIENTS = Number(process.env["MIR_CLIENTS"] ?? 1000);
const ROUNDS = Number(process.env["MIR_ROUNDS"] ?? 3);
const MIB = 2 ** 20;
const EDGES = ["edge-1", "edge-2", "edge-3"];
const NODES = [...EDGES, "regional-1", "regional-2"];
const COUNTERS = ["origin_get", "generated", "upstream_fetch", "peer_request"];

const picture = await drawJpeg({ width: 2400, height: 1600 });
const large = crypto.getRandomValues(new Uint8Array(64 * 1024));
const original = new Uint8Array(5 * MIB);
for (let at = 0; at < original.length; at += large.length) original.set(large, at);
const figures = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round++) {
  await once("original", { name: "viral-original", size: "orig", bytes: original });
  for (const size of ["sm", "md"]) {
    await once(size, { name: "viral-picture", size, bytes: picture });
  }
}
console.log(`${CLIENTS} clients, median of ${ROUNDS}`);
for (const [name, values] of figures) console.log(`${name.padEnd(60)} ${median(values)}`);

async function once(
  what: string,
  asked: { readonly name: string; readonly size: string; readonly bytes: Uint8Array },
): Promise<void> {
  const pathOf = (name: string): string => `/puddle/${name}/${asked.size}/a.jpg`;
  const before = `${asked.name}-before`;
  using store = startFaultyS3();
  using proxy = startRoughProxy(() => store.port, { crawlBytes: MIB });
  proxy.mode = "crawl";
  for (const name of [before, asked.name]) store.put(`${name}.jpg`, asked.bytes);
  const host = `http://127.0.0.1:${proxy.port}`;
  await using mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1", "regional-2"],
    origin: { is_s3_origin: true },
    tables: { s3: { host, bucket: "photos", region: "us-east-1", path_style: true } },
    env: {
      MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
      MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
    },
  });
  const ports = EDGES.map((name) => mesh.node(name).port);
  const warm = await startFlood({ ports, clients: CLIENTS, path: pathOf(before) });
  await warm.answers;
  const counted = await Promise.all(COUNTERS.map((counter) => sum(mesh, counter)));
  const flood = await startFlood({ ports, clients: CLIENTS, path: pathOf(asked.name) });
  const answers = await flood.answers;
  note(`${what}: bytes`, answers[0]?.bytes ?? 0);
  const after = afterFirst(answers);
  note(`${what}: right and whole`, right(answers));
  note(`${what}: first byte, ms, median`, median(answers.map(({ firstMs }) => firstMs)));
  note(`${what}: first byte, ms, the last client`, Math.max(...answers.map((a) => a.firstMs)));
  note(`${what}: after the first was whole, ms, median`, median(after));
  note(`${what}: after the first was whole, ms, the last`, Math.max(...after));
  const here = ports.flatMap((port) => afterFirst(answers.filter((a) => a.port === port)));
  note(`${what}: after the first at its edge was whole, ms, median`, median(here));
  note(`${what}: after the first at its edge was whole, ms, the last`, Math.max(...here));
  for (const [i, counter] of COUNTERS.entries()) {
    note(`${what}: ${counter}`, (await sum(mesh, counter)) - (counted[i] ?? 0));
  }
  if (asked.size === "orig") return;
  // what so many answers take where nothing has to be waited for
  const again = await startFlood({ ports, clients: CLIENTS, path: pathOf(asked.name) });
  const hits = afterFirst(await again.answers);
  note(`${what}: the same crowd again, ms, median`, median(hits));
  note(`${what}: the same crowd again, ms, the last`, Math.max(...hits));
}

/** Milliseconds from the end of the first answer to the end of each. */
function afterFirst(answers: readonly FloodAnswer[]): number[] {
  const firstEnd = Math.min(...answers.map(({ endedAt }) => endedAt));
  return answers.map(({ endedAt }) => endedAt - firstEnd);
}

function right(answers: readonly FloodAnswer[]): number {
  const [first] = answers;
  return answers.filter((a) => a.status === 200 && a.whole && a.hash === first?.hash).length;
}

async function sum(mesh: Mesh, counter: string): Promise<number> {
  const counts = await Promise.all(NODES.map((node) => mesh.counter(node, counter)));
  return counts.reduce((a, b) => a + b, 0);
}

function note(name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), Math.round(value)]);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
