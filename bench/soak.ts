/**
 * Whether a mesh grows: hits, misses, pictures made and uploads, as fast as they go with a bound, for MIR_MINUTES (3);
 * resident memory and descriptors of each node each second. Wanted over fifteen minutes: over the last ten less than
 * 0.5 MB a minute, at the end at most 1.1 × what it was at a third of the time, and descriptors within 8 of it.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { UPLOAD_KEY, upload } from "../tests/support/uploads.ts";

const MINUTES = Number(process.env["MIR_MINUTES"] ?? 3);
const EDGES = ["edge-1", "edge-2"];
const NODES = [...EDGES, "regional-1"];
const PICTURES = 200;
const AT_ONCE = 8;
const SIZES = ["orig", "lg", "md", "sm", "xs"];
/** Uploads a second at most: each is kept in the store for good. */
const UPLOADS_RATE = 2;
const MB = 1e6;
const GROWTH_MAX = 0.5;
const RATIO_MAX = 1.1;
const DESCRIPTORS_MAX = 8;

interface Sample {
  readonly minutes: number;
  readonly residentMb: number;
  readonly descriptors: number;
}

const dir = mkdtempSync(join(tmpdir(), "mir-soak-"));
try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<boolean> {
  for (let n = 0; n < PICTURES; n++) {
    await Bun.write(
      join(dir, `k${n}picture.jpg`),
      await drawJpeg({ width: 1200 + n, height: 800 }),
    );
  }
  await using mesh = await startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { origin_dir: dir },
    env: { MIR_UPLOAD_KEYS: UPLOAD_KEY },
    // there is not room for everything, so that misses and pictures made go on
    server: { capacity: "24MiB", ram: "8MiB" },
  });
  const startMs = performance.now();
  const minutes = (): number => (performance.now() - startMs) / 60_000;
  const over = (): boolean => minutes() >= MINUTES;
  const counts = { whole: 0, refused: 0, cut: 0, uploads: 0 };
  const samples = new Map<string, Sample[]>(NODES.map((name) => [name, []]));
  const timer = setInterval(() => {
    for (const [name, list] of samples) list.push(sampleOf(mesh.node(name).pid, minutes()));
  }, 1000);
  await Promise.all([
    ...Array.from({ length: AT_ONCE }, () => ask(mesh, counts, over)),
    send(mesh, counts, over),
  ]);
  clearInterval(timer);
  console.log(`${MINUTES} min:`, counts);
  for (const name of NODES) await tellCounters(mesh, name);
  return [...samples].map(([name, list]) => report(name, list)).every((holds) => holds);
}

/** What a node counted: runs that grow are compared with runs that do not. */
async function tellCounters(mesh: Mesh, name: string): Promise<void> {
  const { counters } = await mesh.status(name);
  const moved = Object.entries(counters).filter(([, count]) => count > 0);
  console.log(`${name}: ${moved.map(([counter, count]) => `${counter} ${count}`).join(", ")}`);
}

function sampleOf(pid: number, minutes: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const kb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  return { minutes, residentMb: (kb * 1024) / MB, descriptors };
}

async function ask(
  mesh: Mesh,
  counts: { whole: number; refused: number; cut: number },
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    // a few are asked for most of the time
    const n = Math.floor(Math.random() ** 3 * PICTURES);
    const size = SIZES[Math.floor(Math.random() * SIZES.length)] ?? "md";
    const edge = EDGES[Math.floor(Math.random() * EDGES.length)] ?? "";
    try {
      const answer = await mesh.get(edge, `/puddle/k${n}picture/${size}/a.jpg`);
      await answer.bytes();
      if (answer.status === 200) counts.whole++;
      else counts.refused++;
    } catch {
      counts.cut++;
    }
  }
}

async function send(mesh: Mesh, counts: { uploads: number }, over: () => boolean): Promise<void> {
  const jpeg = await drawJpeg({ width: 600, height: 400 });
  while (!over()) {
    const unlike = Buffer.concat([jpeg, Buffer.from(`upload ${counts.uploads}`)]);
    const edge = EDGES[counts.uploads % EDGES.length] ?? "";
    const { status } = await upload(mesh.node(edge).url, unlike, {});
    if (status === 201) counts.uploads++;
    await Bun.sleep(1000 / UPLOADS_RATE);
  }
}

/** Whether it holds what is wanted. */
function report(name: string, list: readonly Sample[]): boolean {
  const early = list.filter((one) => one.minutes >= MINUTES / 3);
  const from = early.slice(0, 10);
  const to = list.slice(-10);
  const before = mean(from.map(({ residentMb }) => residentMb));
  const after = mean(to.map(({ residentMb }) => residentMb));
  const growth = slope(early);
  const handles = Math.abs(
    mean(to.map(({ descriptors }) => descriptors)) - mean(from.map((one) => one.descriptors)),
  );
  const holds = growth < GROWTH_MAX && after <= before * RATIO_MAX && handles <= DESCRIPTORS_MAX;
  console.log(
    `${name.padEnd(10)} ${before.toFixed(0)} MB at a third, ${after.toFixed(0)} at the end ` +
      `(${(after / before).toFixed(2)} ×), ${growth.toFixed(2)} MB/min, descriptors ± ${handles.toFixed(1)}` +
      `: ${holds ? "holds" : "DOES NOT HOLD"}`,
  );
  return holds;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** MB a minute, of the straight line through all of them. */
function slope(list: readonly Sample[]): number {
  const x = mean(list.map(({ minutes }) => minutes));
  const y = mean(list.map(({ residentMb }) => residentMb));
  let over = 0;
  let under = 0;
  for (const { minutes, residentMb } of list) {
    over += (minutes - x) * (residentMb - y);
    under += (minutes - x) ** 2;
  }
  return over / under;
}
