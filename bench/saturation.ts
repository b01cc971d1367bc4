/**
 * Image work offered at 2 and 10 times what the image workers can do, beside steady hits: what the hits wait, what is
 * made, what the others are answered, and whether the right variants appear by themselves afterwards.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { LIMITS } from "../src/base/limits.ts";
import { membersOf } from "../tests/support/cache-status.ts";
import { type Mesh, startMesh } from "../tests/support/mesh.ts";
import { drawRaw } from "../tests/support/pictures.ts";
import { type Cpu, cpuOf, median } from "./support/cpu.ts";
import { hitsP99 } from "./support/hits-at-rate.ts";
import { atRate, shuffled } from "./support/offer.ts";

const SECONDS = Number(process.env["MIR_SECONDS"] ?? 8);
const ROUNDS = Number(process.env["MIR_ROUNDS"] ?? 5);
/** Enough for the slowest in a hundred to be forty. */
const HITS_PER_SECOND = 500;
const IMAGE_WORKERS = 2;
/** As image workers without the scheduler's idle class have, and as the spinning processes. */
const LAST = 19;
const QUEUE = 32;
const PICTURES = 160;
/** Whose larger variants are not there, so that there is nothing to send in their place. */
const BARE_PICTURES = 40;
const BOXES = Array.from({ length: 80 }, (_, i) => ({ width: 400 + 4 * i, height: 300 + 4 * i }));
const FORMATS = ["jpg", "webp"] as const;
const FULL = { width: 2000, height: 1500 };

interface Wish {
  readonly path: string;
  readonly width: number;
  readonly bare: boolean;
}

/** One answer in so many is read and decoded: the client must not take the processor that is measured. */
const READ_EACH = 5;

type Outcome = "right" | "stand-in" | "refused" | "wrong";

/** What another variant was sent for. */
const replaced: string[] = [];
let asks = 0;

const dir = mkdtempSync(join(tmpdir(), "mir-saturation-"));
try {
  await run();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<void> {
  await drawPictures();
  await using mesh = await startMesh({
    edges: ["edge-1"],
    origin: { origin_dir: dir },
    // serving threads as a node has them when nothing is said
    server: { workers: "cpus", image_workers: IMAGE_WORKERS, capacity: "4GiB" },
    tables: {
      image: { policy: "exact", exact_sizes: BOXES.map((b) => `${b.width}x${b.height}`) },
      limits: { queue: QUEUE },
    },
  });
  const hits = await prepare(mesh);
  const wishes = shuffled(allWishes());
  const capacity = await measureCapacity(
    mesh,
    wishes.splice(0, 400).filter((w) => !w.bare),
  );
  // what takes part in it is compiled, on both sides
  await besideImages(mesh, hits, { wishes, rate: capacity * 2 });
  await settled(mesh);
  console.log(`${IMAGE_WORKERS} image workers make ${capacity.toFixed(0)} variants a second`);
  for (const times of [2, 10]) {
    const ratios: number[] = [];
    const unasked: number[] = [];
    const told: string[] = [];
    const made: number[] = [];
    const outcomes = new Map<Outcome, number>();
    let queuedMost = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const beside = await besideSpinners(mesh, hits);
      const loaded = await besideImages(mesh, hits, { wishes, rate: capacity * times });
      ratios.push(loaded.p99 / beside);
      told.push(`${beside.toFixed(1)} and ${loaded.p99.toFixed(1)} ms, ${loaded.cpu}`);
      made.push(loaded.made / SECONDS / capacity);
      queuedMost = Math.max(queuedMost, loaded.queued);
      for (const outcome of loaded.outcomes) {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      const alone = await besideLater(mesh, hits);
      if (alone !== undefined) unasked.push(alone / beside);
      await settled(mesh);
    }
    console.log(
      `${times} x: p99 of hits ${median(ratios).toFixed(2)} of that beside spinning processes (wanted 1.25; ` +
        `rounds ${ratios.map((r) => r.toFixed(2)).join(" ")}); made ${median(made).toFixed(2)} of the ` +
        `throughput (wanted 0.8); most in the queue ${queuedMost} of ${2 * QUEUE}; ` +
        [...outcomes].map(([name, count]) => `${count} ${name}`).join(", "),
    );
    for (const line of told) console.log(`  p99 ${line}`);
    if (unasked.length > 0) {
      console.log(
        `  beside the same image workers while nobody asks for pictures: ${median(unasked).toFixed(2)} ` +
          `(rounds ${unasked.map((r) => r.toFixed(2)).join(" ")})`,
      );
    }
  }
  await afterwards(mesh);
}

/** Every one in whose place another was sent is there by now, though nobody has asked again. */
async function afterwards(mesh: Mesh): Promise<void> {
  const now = await Promise.all(
    replaced.map(async (path) => {
      const answer = await mesh.get("edge-1", path, { method: "HEAD" });
      return membersOf(answer).at(-1)?.hit === true;
    }),
  );
  console.log(
    `${replaced.length} times another variant was sent; afterwards the right ones of ` +
      `${now.filter(Boolean).length} of these were there without being asked again`,
  );
}

async function drawPictures(): Promise<void> {
  const raw = { ...FULL, channels: 3 } as const;
  const picture = sharp(drawRaw(FULL.width, FULL.height), { raw });
  // as PNG they are too large to be sent in place of anything
  const bytes = await picture.png({ compressionLevel: 1 }).toBuffer();
  if (bytes.length < LIMITS.standInOriginalBytesMax) throw new Error("the pictures are too small");
  for (let i = 0; i < PICTURES + BARE_PICTURES; i++) {
    await Bun.write(join(dir, `picture-${i}.png`), bytes);
  }
}

/** Large variants of most of them, and what is asked for as hits. */
async function prepare(mesh: Mesh): Promise<readonly string[]> {
  const hits: string[] = [];
  for (let i = 0; i < PICTURES + BARE_PICTURES; i++) {
    const sizes = i < PICTURES ? ["lg/a.jpg", "xs/a.jpg"] : ["xs/a.jpg"];
    for (const size of sizes) {
      const path = `/puddle/picture-${i}/${size}`;
      const answer = await mesh.get("edge-1", path);
      await answer.bytes();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      if (size.startsWith("xs")) hits.push(path);
    }
  }
  return hits;
}

function allWishes(): Wish[] {
  return Array.from({ length: PICTURES + BARE_PICTURES }, (_, i) =>
    BOXES.flatMap(({ width, height }) =>
      FORMATS.map((format) => ({
        path: `/puddle/picture-${i}/${width}x${height}/a.${format}`,
        // four to three, as the pictures are
        width: Math.round(Math.min(width, (height * FULL.width) / FULL.height)),
        bare: i >= PICTURES,
      })),
    ),
  ).flat();
}

async function measureCapacity(mesh: Mesh, wishes: readonly Wish[]): Promise<number> {
  const todo = [...wishes];
  let made = 0;
  const start = performance.now();
  const end = start + 6000;
  const client = async (): Promise<void> => {
    for (let wish = todo.pop(); wish !== undefined; wish = todo.pop()) {
      if (performance.now() > end) return;
      if ((await ask(mesh, wish)) === "right") made++;
    }
  };
  await Promise.all(Array.from({ length: 2 * IMAGE_WORKERS }, client));
  return (made * 1000) / (performance.now() - start);
}

async function ask(mesh: Mesh, { path, width, bare }: Wish): Promise<Outcome> {
  const method = asks++ % READ_EACH === 0 ? "GET" : "HEAD";
  const answer = await mesh.get("edge-1", path, { method });
  const bytes = await answer.bytes();
  const { headers, status } = answer;
  if (status === 503) return headers.has("retry-after") && bare ? "refused" : "wrong";
  if (status !== 200) return "wrong";
  if (membersOf(answer).at(-1)?.detail !== "stand-in") {
    if (method === "HEAD") return "right";
    const found = await sharp(bytes).metadata();
    return Math.abs(found.width - width) <= 1 ? "right" : "wrong";
  }
  replaced.push(path);
  if (headers.get("cache-control") !== "public, max-age=10") return "wrong";
  return method === "HEAD" || (await sharp(bytes).metadata()).width >= width ? "stand-in" : "wrong";
}

/** As many processes that only spin, as low in priority as image workers. */
async function besideSpinners(mesh: Mesh, hits: readonly string[]): Promise<number> {
  const spinners = Array.from({ length: IMAGE_WORKERS }, () =>
    Bun.spawn(["nice", "-n", "19", process.execPath, "-e", "for (;;);"], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  try {
    await Bun.sleep(300);
    return await hitsFor(mesh, hits);
  } finally {
    for (const spinner of spinners) spinner.kill("SIGKILL");
    await Promise.all(spinners.map((spinner) => spinner.exited));
  }
}

/** What is made for later, after those who asked for it are gone; undefined: there was too little of it. */
async function besideLater(mesh: Mesh, hits: readonly string[]): Promise<number | undefined> {
  const p99 = await hitsFor(mesh, hits);
  const { images } = await mesh.status("edge-1");
  return images.later > 0 ? p99 : undefined;
}

interface Loaded {
  readonly p99: number;
  readonly made: number;
  readonly queued: number;
  readonly outcomes: readonly Outcome[];
  /** What the node's own process and this one, which asks for pictures, had of a processor. */
  readonly cpu: string;
}

async function besideImages(
  mesh: Mesh,
  hits: readonly string[],
  { wishes, rate }: { readonly wishes: Wish[]; readonly rate: number },
): Promise<Loaded> {
  const before = await mesh.counter("edge-1", "generated");
  const asked: Promise<Outcome>[] = [];
  let queued = 0;
  let over = false;
  const watch = (async () => {
    while (!over) {
      queued = Math.max(queued, (await mesh.status("edge-1")).images.queued);
      await Bun.sleep(250);
    }
  })();
  const offer = atRate(rate, () => {
    const wish = wishes.pop();
    if (wish === undefined) throw new Error("there are too few variants for so many rounds");
    asked.push(ask(mesh, wish));
  });
  const pids = [mesh.node("edge-1").pid, process.pid];
  const used = pids.map((pid) => cpuOf([pid]));
  // who asks for pictures is elsewhere in real life: here it has what the others leave
  const p99 = await hitsFor(mesh, hits, () => yieldTo(LAST));
  yieldTo(0);
  const shares = pids.map((pid, i) => shareOf(used[i], cpuOf([pid])));
  const cpu = `processor: node ${shares[0]} %, who asks for pictures ${shares[1]} %`;
  const made = (await mesh.counter("edge-1", "generated")) - before;
  offer.stop();
  over = true;
  await watch;
  return { p99, made, queued, cpu, outcomes: await Promise.all(asked) };
}

/** All threads of this process, those of its connections too. Only root may take back what it gave up. */
function yieldTo(priority: number): void {
  if (process.getuid?.() !== 0) return;
  for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), priority);
}

/** Percent of one processor. */
function shareOf(before: Cpu | undefined, after: Cpu): string {
  const seconds = (cpu: Cpu): number => cpu.userSeconds + cpu.systemSeconds;
  return (((seconds(after) - (before ? seconds(before) : 0)) / SECONDS) * 100).toFixed(0);
}

/** p99 in milliseconds. */
function hitsFor(
  mesh: Mesh,
  hits: readonly string[],
  started: () => void = () => undefined,
): Promise<number> {
  const load = { perSecond: HITS_PER_SECOND, seconds: SECONDS };
  return hitsP99(mesh.node("edge-1").url, { dir, hits, started, ...load });
}

/** Nothing is made and nothing waits any more. */
async function settled(mesh: Mesh): Promise<void> {
  let quiet = 0;
  for (let made = -1; quiet < 6; await Bun.sleep(500)) {
    const { images, counters } = await mesh.status("edge-1");
    const now = counters["generated"] ?? 0;
    quiet = images.busy === 0 && images.queued + images.later === 0 && now === made ? quiet + 1 : 0;
    made = now;
  }
}
