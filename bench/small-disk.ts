/**
 * A cache on a file system that has three hundredths more than its capacity, under a load of ten times that much: whether
 * the system ever says that there is no room, and whether the books ever show more than the capacity.
 * First a node of the real executable for MIR_SECONDS (20), then bare threads for some seconds, watched a thousand
 * times a second. Needs to be root, to mount.
 */

import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createCounterMemory } from "../src/observe/counters.ts";
import { type CacheDir, makeCacheDir } from "../tests/support/cache-dir.ts";
import type { StressOrder, StressResult } from "../tests/support/cache-stress.worker.ts";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawJpeg } from "../tests/support/pictures.ts";
import { noSmallDisk, smallDisk } from "../tests/support/small-disk.ts";

const SECONDS = Number(process.env["MIR_SECONDS"] ?? 20);
const MiB = 1 << 20;
const CAPACITY = 48 * MiB;
const MORE = 1.03;
const PICTURES = 480;
const AT_ONCE = 6;
const SIZES = ["orig", "orig", "lg", "md", "xs"];

const reason = noSmallDisk();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
const dir = mkdtempSync(join(tmpdir(), "mir-small-"));
try {
  await node();
  await threads();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function node(): Promise<void> {
  const jpeg = await drawJpeg({ width: 1200, height: 800 });
  for (let n = 0; n < PICTURES; n++) {
    // decoders end at the end of the picture: what follows makes it another, larger one
    await Bun.write(
      join(dir, `k${n}picture.jpg`),
      Buffer.concat([jpeg, Buffer.alloc(MiB, `${n} `)]),
    );
  }
  await using mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: dir },
    server: { capacity: CAPACITY, workers: 2 },
    prepare: (root) => smallDisk(join(root, "edge-1"), { bytes: Math.ceil(CAPACITY * MORE) }),
  });
  const statuses = new Map<string, number>();
  const endMs = performance.now() + SECONDS * 1000;
  const over = (): boolean => performance.now() >= endMs;
  const watched = watch(mesh, over);
  await Promise.all(Array.from({ length: AT_ONCE }, () => ask(mesh, statuses, over)));
  const { counters } = await mesh.status("edge-1");
  const told = mesh.node("edge-1").log().split("\n");
  const most = await watched;
  console.log(
    `node, ${SECONDS} s: ${[...statuses].map(([s, count]) => `${count} × ${s}`).join(", ")}`,
  );
  console.log(
    `  evicted ${counters["evicted"]}, writes failed ${counters["cache_write_failed"]}, ` +
      `lines with ENOSPC ${told.filter((line) => line.includes("ENOSPC")).length}`,
  );
  console.log(
    `  most in the books ${share(most.bytes / CAPACITY)} of the capacity, ` +
      `least free on the disk ${share(most.free)} (${most.looks} looks)`,
  );
}

function share(of: number): string {
  return `${(of * 100).toFixed(2)} %`;
}

async function ask(mesh: Mesh, statuses: Map<string, number>, over: () => boolean): Promise<void> {
  while (!over()) {
    const n = Math.floor(Math.random() * PICTURES);
    const size = SIZES[Math.floor(Math.random() * SIZES.length)] ?? "orig";
    let status: string;
    try {
      const answer = await mesh.get("edge-1", `/puddle/k${n}picture/${size}/a.jpg`);
      await answer.bytes();
      status = String(answer.status);
    } catch {
      status = "cut";
    }
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
}

interface Most {
  readonly bytes: number;
  /** Least share of the disk's blocks that was free. */
  readonly free: number;
  readonly looks: number;
}

async function watch(mesh: Mesh, over: () => boolean): Promise<Most> {
  const { cacheDir } = mesh.node("edge-1");
  const unix = join(cacheDir, ".mir/admin.sock");
  let most: Most = { bytes: 0, free: 1, looks: 0 };
  while (!over()) {
    const text = await (await fetch("http://mir/metrics", { unix })).text();
    const figure = (name: string): number =>
      Number(new RegExp(`^mir_${name} (.*)$`, "m").exec(text)?.[1]);
    const bytes = figure("cache_bytes") + figure("cache_reserved_bytes");
    const { bavail, blocks } = statfsSync(cacheDir);
    most = {
      bytes: Math.max(most.bytes, bytes),
      free: Math.min(most.free, bavail / blocks),
      looks: most.looks + 1,
    };
    await Bun.sleep(50);
  }
  return most;
}

async function threads(): Promise<void> {
  const capacityBytes = 4 * MiB;
  const path = join(dir, "threads");
  using _ = smallDisk(path, { bytes: Math.ceil(capacityBytes * MORE) });
  using made = makeCacheDir({ capacityBytes, slots: 4096, dir: path });
  const progress = new SharedArrayBuffer(4);
  const counters = createCounterMemory(8);
  const order = { memory: made.memory, dir: path, counters, progress, names: 6000 } as const;
  // a few seconds hold a million looks
  const steps = Math.min(40_000, SECONDS * 400);
  const working = [1, 2, 3].map((worker) => run({ ...order, worker, steps, mode: "files" }));
  let done = false;
  const all = Promise.all(working).then((results) => {
    done = true;
    return results;
  });
  const seen = await sample(made, () => done);
  const total = (field: keyof StressResult, results: readonly StressResult[]): number =>
    results.reduce((sum, one) => sum + one[field], 0);
  const results = await all;
  console.log(
    `threads, ${seen.seconds.toFixed(1)} s: ${total("published", results)} published, ` +
      `${total("noRoom", results)} without room, ${total("refused", results)} refused, ${total("wrong", results)} wrong`,
  );
  console.log(
    `  ${Math.round(seen.looks / seen.seconds)} looks a second: most in the books ` +
      `${share(seen.most / capacityBytes)} of the capacity`,
  );
}

function run(order: StressOrder): Promise<StressResult> {
  const script = new URL("../tests/support/cache-stress.worker.ts", import.meta.url);
  const thread = new Worker(script, { workerData: order });
  return new Promise((resolve, reject) => {
    thread.on("message", resolve);
    thread.on("error", reject);
  });
}

/** At least once a millisecond while the threads leave it a processor. */
async function sample(
  { cache }: CacheDir,
  isDone: () => boolean,
): Promise<{ readonly most: number; readonly looks: number; readonly seconds: number }> {
  const startMs = performance.now();
  let most = 0;
  let looks = 0;
  while (!isDone()) {
    const { bytes, reservedBytes } = cache.usage();
    most = Math.max(most, bytes + reservedBytes);
    looks++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { most, looks, seconds: (performance.now() - startMs) / 1000 };
}
