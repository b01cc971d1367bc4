/**
 * One picture that half of all requests are for, at a level of six edges: how much more than the mean the busiest edge
 * does, in windows of five seconds, with copies and without; and what becomes of the copies when the crowd has gone.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { until } from "../tests/support/until.ts";

const RATE = Number(process.env["MIR_RATE"] ?? 600);
const EDGES = ["edge-1", "edge-2", "edge-3", "edge-4", "edge-5", "edge-6"];
const PICTURES = Number(process.env["MIR_PICTURES"] ?? 200);
const HOT_SHARE = 0.5;
const WINDOW_MS = 5_000;
const WINDOWS = 5;
const BOUND = 1.25;
const TURN_MS = 10;
const AT_ONCE_MAX = 400;
const HALF_LIFE = "20s";

const dir = mkdtempSync(join(tmpdir(), "mir-hot-"));
const paths = Array.from({ length: PICTURES }, (_, i) => `/puddle/picture-${i}/sm/a.jpg`);
/** Zipf with exponent 1, as running sums. */
const sums: number[] = [];
for (let i = 0; i < PICTURES; i++) sums.push((sums[i - 1] ?? 0) + 1 / (i + 1));

try {
  for (let i = 0; i < PICTURES; i++) {
    const bytes = await drawJpeg({ width: 400, height: 300 + (i % 50) });
    await Bun.write(join(dir, `picture-${i}.jpg`), bytes);
  }
  console.log(`${RATE} requests/s wanted, ${EDGES.length} edges, ${PICTURES} pictures`);
  for (const replicate of [false, true]) await run(replicate);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(replicate: boolean): Promise<void> {
  await using mesh = await startMesh({
    edges: EDGES,
    origin: { origin_dir: dir },
    tables: { hot: { replicate, half_life: HALF_LIFE } },
  });
  console.log(replicate ? "with copies" : "without copies");
  // everything is made before anything is measured
  for (const [i, path] of paths.entries()) await ask(mesh, i, path);
  const load = startLoad(mesh);
  await Bun.sleep(WINDOW_MS);
  load.crowd = true;
  let before = await workOf(mesh);
  for (let n = 1; n <= (replicate ? WINDOWS : 2); n++) {
    load.answered = 0;
    await Bun.sleep(WINDOW_MS);
    const now = await workOf(mesh);
    const done = now.map((work, i) => work - (before[i] ?? 0));
    before = now;
    const mean = done.reduce((sum, one) => sum + one, 0) / done.length;
    const worst = Math.max(...done) / mean;
    const rate = load.answered / (WINDOW_MS / 1000);
    const verdict = worst <= BOUND ? "" : `  above ${BOUND}`;
    const times = `${(((n - 1) * WINDOW_MS) / 1000).toFixed(0)} to ${((n * WINDOW_MS) / 1000).toFixed(0)} s`;
    console.log(`  ${times}: ${worst.toFixed(2)} x mean, ${rate.toFixed(0)} answers/s${verdict}`);
  }
  if (replicate) await cool(mesh, load);
  await load.stop();
  console.log(`  p50 ${load.slowest(0.5)} ms, p99 ${load.slowest(0.99)} ms, ${load.failed} failed`);
}

/** The crowd goes, the other requests stay. */
async function cool(mesh: Mesh, load: Load): Promise<void> {
  const began = performance.now();
  load.crowd = false;
  const kept = await replicas(mesh);
  await until(
    async () => !(await holders(mesh)).includes(`picture-${PICTURES - 1}`),
    "cooled",
    180_000,
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`  ${kept} copies before; the crowd's are forgotten ${seconds} s after it has gone`);
  await load.stop();
  await until(async () => (await replicas(mesh)) === 0, "no copies", 180_000);
  const all = ((performance.now() - began) / 1000).toFixed(0);
  const owned = await Promise.all(EDGES.map(async (e) => (await mesh.status(e)).cache.variants));
  const left = owned.reduce((sum, one) => sum + one, 0);
  console.log(`  all copies dropped after ${all} s; ${left} variants are left with their owners`);
}

async function replicas(mesh: Mesh): Promise<number> {
  const each = await Promise.all(
    EDGES.map(async (edge) => (await mesh.status(edge)).hot.replicas.count),
  );
  return each.reduce((sum, one) => sum + one, 0);
}

/** Ids of which an owner knows copies. */
async function holders(mesh: Mesh): Promise<string[]> {
  const each = await Promise.all(EDGES.map(async (edge) => (await mesh.status(edge)).hot.items));
  return each.flat().flatMap(({ id, holders: servers }) => (servers.length > 1 ? [id] : []));
}

/** Answers from its own disk or memory, and to peers. */
async function workOf(mesh: Mesh): Promise<number[]> {
  return Promise.all(
    EDGES.map(async (edge) => {
      const { counters } = await mesh.status(edge);
      const of = (name: string): number => counters[name] ?? 0;
      return of("http_requests") - of("cross_peer_stream") + of("peer_request");
    }),
  );
}

async function ask(mesh: Mesh, turn: number, path: string): Promise<boolean> {
  const answer = await mesh.get(EDGES[turn % EDGES.length] ?? "", path);
  await answer.bytes();
  return answer.status === 200;
}

interface Load {
  crowd: boolean;
  answered: number;
  failed: number;
  slowest(share: number): string;
  stop(): Promise<void>;
}

/** Open loop: as many requests as are due, whether the others have been answered or not. */
function startLoad(mesh: Mesh): Load {
  const open = new Set<Promise<void>>();
  const waits: number[] = [];
  let due = 0;
  let last = performance.now();
  let turn = 0;
  const load: Load = {
    crowd: false,
    answered: 0,
    failed: 0,
    slowest(share) {
      const sorted = waits.toSorted((a, b) => a - b);
      return (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
  const one = async (): Promise<void> => {
    const began = performance.now();
    const good = await ask(mesh, turn++, pathNow(load.crowd)).catch(() => false);
    waits.push(performance.now() - began);
    if (good) load.answered++;
    else load.failed++;
  };
  const timer = setInterval(() => {
    const now = performance.now();
    due += ((now - last) / 1000) * RATE;
    last = now;
    for (; due >= 1; due--) {
      if (open.size >= AT_ONCE_MAX) continue;
      const asking: Promise<void> = one().finally(() => open.delete(asking));
      open.add(asking);
    }
  }, TURN_MS);
  return load;
}

function pathNow(crowd: boolean): string {
  // hardly anybody asks for it before and after
  if (crowd && Math.random() < HOT_SHARE) return paths.at(-1) ?? "";
  const at = Math.random() * (sums.at(-1) ?? 0);
  return paths[sums.findIndex((sum) => sum >= at)] ?? "";
}
