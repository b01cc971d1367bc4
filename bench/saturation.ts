/**
 * Image work offered at 2 and 10 times what the image workers can do, beside steady hits: what the hits wait, what is
 * made, what the others are answered, and whether the right variants appear by themselves afterwards. The same is asked
 * of nginx, which serves plain files beside the same image work.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { membersOf } from "../tests/support/cache-status.ts";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { cpuOf, median, percentOf } from "./support/cpu.ts";
import { hitsP99 } from "./support/hits-at-rate.ts";
import { LOWEST, startSpinners, yieldTo } from "./support/low-priority.ts";
import { findNginx } from "./support/nginx.ts";
import { atRate, shuffled } from "./support/offer.ts";
import { nginxStatic } from "./support/rivals.ts";
import {
  type Asking,
  allWishes,
  askAt,
  drawPictures,
  EXACT_SIZES,
  type Outcome,
  prepare,
  type Wish,
} from "./support/wished-pictures.ts";

const SECONDS = Number(process.env["MIR_SECONDS"] ?? 8);
const ROUNDS = Number(process.env["MIR_ROUNDS"] ?? 5);
/** Enough for the slowest in a hundred to be forty. */
const HITS_PER_SECOND = 500;
const IMAGE_WORKERS = 2;
const QUEUE = 32;
const EDGE = "edge-1";

/** Who is asked for hits. */
interface Target {
  readonly name: string;
  readonly url: string;
}

type P99 = ReadonlyMap<Target, number>;

/** p99 of hits in milliseconds. */
interface Waits {
  readonly idle: number;
  readonly spinners: number;
  readonly images: number;
}

interface Bench {
  readonly mesh: Mesh;
  readonly asking: Asking;
  readonly mir: Target;
  readonly targets: readonly Target[];
  readonly hits: readonly string[];
  readonly wishes: Wish[];
}

const dir = mkdtempSync(join(tmpdir(), "mir-saturation-"));
try {
  await run();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const store = join(dir, "store");
  await drawPictures(store);
  await using mesh = await startMesh({
    edges: [EDGE],
    origin: { origin_dir: store },
    // serving threads as a node has them when nothing is said
    server: { workers: "cpus", image_workers: IMAGE_WORKERS, capacity: "4GiB" },
    tables: {
      image: { policy: "exact", exact_sizes: EXACT_SIZES },
      limits: { queue: QUEUE },
    },
  });
  const files = await prepare(mesh, EDGE);
  await using rival = await startRival(files);
  const mir = { name: "mir", url: mesh.node(EDGE).url };
  const bench: Bench = {
    mesh,
    asking: askAt(mesh, EDGE),
    mir,
    targets: rival === undefined ? [mir] : [mir, rival],
    hits: [...files.keys()],
    wishes: shuffled(allWishes()),
  };
  const capacity = await measureCapacity(bench);
  // what takes part in it is compiled, on both sides
  await besideImages(bench, { rate: capacity * 2, order: bench.targets });
  await settled(mesh);
  console.log(`${IMAGE_WORKERS} image workers make ${capacity.toFixed(0)} variants a second`);
  for (const times of [2, 10]) await offer(bench, times, capacity);
  await afterwards(bench);
}

/** nginx with the same bytes at the same paths; undefined, said, where it is not installed. */
async function startRival(
  files: ReadonlyMap<string, Blob>,
): Promise<(AsyncDisposable & Target) | undefined> {
  const program = findNginx();
  if (program === undefined) {
    console.log("nginx is not installed: mir is not compared with it");
    return undefined;
  }
  const root = join(dir, "nginx");
  for (const [path, bytes] of files) await Bun.write(join(root, path), bytes);
  const server = await nginxStatic(program, {
    dir: root,
    processes: navigator.hardwareConcurrency,
  });
  return {
    ...{ name: "nginx", url: server.origin },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function offer(bench: Bench, times: number, capacity: number): Promise<void> {
  const { mesh, mir, targets } = bench;
  const waits = new Map<Target, Waits[]>(targets.map((target) => [target, []]));
  const unasked: number[] = [];
  const told: string[] = [];
  const made: number[] = [];
  const outcomes = new Map<Outcome, number>();
  let queuedMost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? targets : targets.toReversed();
    const idle = await eachOf(bench, order);
    const spinners = await besideSpinners(bench, order);
    const loaded = await besideImages(bench, { rate: capacity * times, order });
    for (const [target, list] of waits) {
      const of = (p99: P99): number => p99.get(target) ?? Number.NaN;
      list.push({ idle: of(idle), spinners: of(spinners), images: of(loaded.p99) });
    }
    told.push(loaded.cpu);
    made.push(loaded.made / (SECONDS * order.length) / capacity);
    queuedMost = Math.max(queuedMost, loaded.queued);
    for (const outcome of loaded.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const later = await besideLater(bench);
    const beside = spinners.get(mir);
    if (later !== undefined && beside !== undefined) unasked.push(later / beside);
    await settled(mesh);
  }
  console.log(
    `${times} x: made ${median(made).toFixed(2)} of the throughput (wanted 0.8); most in the queue ${queuedMost} of ` +
      `${2 * QUEUE}; ${[...outcomes].map(([name, count]) => `${count} ${name}`).join(", ")}; ${told.join("; ")}`,
  );
  tellWaits(waits);
  if (unasked.length === 0) return;
  console.log(`  mir while nobody asks for pictures, of beside spinning ones: ${shown(unasked)}`);
}

function tellWaits(waits: ReadonlyMap<Target, readonly Waits[]>): void {
  const lists = [...waits];
  for (const [{ name }, list] of lists) {
    const ms = (which: keyof Waits): string => list.map((one) => one[which].toFixed(1)).join(" ");
    console.log(
      `  ${name}: p99 of hits beside image work ${shown(list.map((w) => w.images / w.spinners))} of that beside ` +
        `spinning processes (wanted 1.25), ${shown(list.map((w) => w.images / w.idle))} of that beside nothing; in ms ` +
        `${ms("images")}, ${ms("spinners")}, ${ms("idle")}`,
    );
  }
  const [[, ours] = [], [, theirs] = []] = lists;
  if (ours === undefined || theirs === undefined) return;
  const ratios = ours.map(({ images }, i) => images / (theirs[i]?.images ?? Number.NaN));
  console.log(`  beside image work mir has ${shown(ratios)} of nginx`);
}

/** Median, and each round. */
function shown(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(" ")})`;
}

/** Every one in whose place another was sent is there by now, though nobody has asked again. */
async function afterwards({ mesh, asking: { replaced } }: Bench): Promise<void> {
  let there = 0;
  for (const path of replaced) {
    const answer = await mesh.get(EDGE, path, { method: "HEAD" });
    if (membersOf(answer).at(-1)?.hit === true) there++;
  }
  console.log(
    `${replaced.length} times another variant was sent; afterwards the right ones of ` +
      `${there} of these were there without being asked again`,
  );
}

async function measureCapacity({ wishes, asking }: Bench): Promise<number> {
  const todo = wishes.splice(0, 400).filter((wish) => !wish.bare);
  let made = 0;
  const start = performance.now();
  const end = start + 6000;
  const client = async (): Promise<void> => {
    for (let wish = todo.pop(); wish !== undefined; wish = todo.pop()) {
      if (performance.now() > end) return;
      if ((await asking.ask(wish)) === "right") made++;
    }
  };
  await Promise.all(Array.from({ length: 2 * IMAGE_WORKERS }, client));
  return (made * 1000) / (performance.now() - start);
}

/** As many processes that only spin. */
async function besideSpinners(bench: Bench, order: readonly Target[]): Promise<P99> {
  await using _spinners = await startSpinners(IMAGE_WORKERS);
  return await eachOf(bench, order);
}

/** What is made for later, after those who asked for it are gone; undefined: there was too little of it. */
async function besideLater(bench: Bench): Promise<number | undefined> {
  const p99 = await hitsFor(bench, bench.mir);
  const { images } = await bench.mesh.status(EDGE);
  return images.later > 0 ? p99 : undefined;
}

interface Loaded {
  readonly p99: P99;
  readonly made: number;
  readonly queued: number;
  readonly outcomes: readonly Outcome[];
  /** What the node's own process and this one, which asks for pictures, had of a processor. */
  readonly cpu: string;
}

async function besideImages(
  bench: Bench,
  { rate, order }: { readonly rate: number; readonly order: readonly Target[] },
): Promise<Loaded> {
  const { mesh, asking, wishes } = bench;
  const before = await mesh.counter(EDGE, "generated");
  const asked: Promise<Outcome>[] = [];
  let queued = 0;
  let over = false;
  const watch = (async () => {
    while (!over) {
      queued = Math.max(queued, (await mesh.status(EDGE)).images.queued);
      await Bun.sleep(250);
    }
  })();
  const offered = atRate(rate, () => {
    const wish = wishes.pop();
    if (wish === undefined) throw new Error("there are too few variants for so many rounds");
    asked.push(asking.ask(wish));
  });
  const pids = [mesh.node(EDGE).pid, process.pid];
  const used = pids.map((pid) => cpuOf([pid]));
  // who asks for pictures is elsewhere in real life: here it has what the others leave
  const p99 = await eachOf(bench, order, () => yieldTo(LOWEST));
  yieldTo(0);
  const seconds = SECONDS * order.length;
  const shares = pids.map((pid, i) => percentOf(used[i], cpuOf([pid]), seconds));
  const cpu = `processor: node ${shares[0]?.toFixed(0)} %, who asks for pictures ${shares[1]?.toFixed(0)} %`;
  const made = (await mesh.counter(EDGE, "generated")) - before;
  offered.stop();
  over = true;
  await watch;
  return { p99, made, queued, cpu, outcomes: await Promise.all(asked) };
}

/** One after the other. */
async function eachOf(bench: Bench, order: readonly Target[], started?: () => void): Promise<P99> {
  const all = new Map<Target, number>();
  for (const target of order) all.set(target, await hitsFor(bench, target, started));
  return all;
}

/** p99 in milliseconds. */
function hitsFor(
  { hits }: Bench,
  { url }: Target,
  started: () => void = () => undefined,
): Promise<number> {
  const load = { perSecond: HITS_PER_SECOND, seconds: SECONDS };
  return hitsP99(url, { dir, hits, started, ...load });
}

/** Nothing is made and nothing waits any more. */
async function settled(mesh: Mesh): Promise<void> {
  let quiet = 0;
  for (let made = -1; quiet < 6; await Bun.sleep(500)) {
    const { images, counters } = await mesh.status(EDGE);
    const now = counters["generated"] ?? 0;
    quiet = images.busy === 0 && images.queued + images.later === 0 && now === made ? quiet + 1 : 0;
    made = now;
  }
}
