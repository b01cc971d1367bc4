/** What a hit in the index costs, beside `lru-cache` from npm: a million variants, fresh key strings, one thread and two. */

import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { measure } from "mitata";
import { adviseHugePages } from "../../src/cache/huge-pages.ts";
import { LOAD_MAX } from "../../src/cache/layout.ts";
import { ABSENT, findLive, lookUp } from "../../src/cache/look.ts";
import { type CacheMemory, createCacheMemory, variantsOf } from "../../src/cache/memory.ts";
import { openView } from "../../src/cache/view.ts";
import { median } from "../support/cpu.ts";
import { BATCH, fill, freshKeys, makePick, nameOf, SIZES } from "../support/index-keys.ts";
import type { HitOrder, HitReport } from "./index.worker.ts";

const { values } = parseArgs({
  options: {
    variants: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "7" },
    ms: { type: "string", default: "150" },
    json: { type: "boolean", default: false },
  },
});
const VARIANTS = Number(values.variants);
const ROUNDS = Number(values.rounds);
const MEASURE = { min_cpu_time: Number(values.ms) * 1e6, warmup_samples: 20 };
const THREAD_MS = Number(values.ms) * 10;
/** Design §6. */
const WANTED = { ratio: 4, threads: 1.7, rate: 3e6, bytes: 128 };

const pick = makePick(1, VARIANTS);

const small = makeIndex();
const huge = makeIndex();
const hugeBytes = adviseHugePages(huge);
for (const memory of [small, huge]) fill(openView(memory), VARIANTS);
const rival = new LRUCache<string, { readonly bytes: number }>({ max: VARIANTS });
for (let n = 0; n < VARIANTS; n++) rival.set(nameOf(n), { bytes: n });

const [smallView, hugeView] = [openView(small), openView(huge)];
const LOOKS = {
  hit: (key: string) => findLive(hugeView, key, true) !== ABSENT,
  meta: (key: string) => lookUp(hugeView, key, true) !== undefined,
  smallPages: (key: string) => findLive(smallView, key, true) !== ABSENT,
  rival: (key: string) => rival.get(key) !== undefined,
} as const;
type Look = keyof typeof LOOKS;
const NAMES = Object.keys(LOOKS) as Look[];

const rounds: Record<Look, number>[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const figures = { hit: 0, meta: 0, smallPages: 0, rival: 0 };
  for (const name of NAMES) figures[name] = await nsPerHit(name);
  rounds.push(figures);
}
const threads: { readonly one: number; readonly two: number }[] = [];
for (let round = 0; round < Math.ceil(ROUNDS / 2); round++) {
  threads.push({ one: await hitsPerSecond(1), two: await hitsPerSecond(2) });
}
report();
process.exit(0);

function makeIndex(): CacheMemory {
  const slots = Math.ceil(VARIANTS / LOAD_MAX) + 1;
  return createCacheMemory({ capacityBytes: 2 ** 40, slots, sizes: SIZES });
}

/** Median over batches of keys that nothing has touched before. */
async function nsPerHit(name: Look): Promise<number> {
  const look = LOOKS[name];
  const { p50 } = await measure(function* () {
    yield {
      [0]: () => freshKeys(pick),
      bench(keys: readonly string[]) {
        for (const key of keys) if (!look(key)) throw new Error(`${key} is missing`);
      },
    };
  }, MEASURE);
  return p50 / BATCH;
}

/** All of so many threads together, each with keys of its own. */
async function hitsPerSecond(count: number): Promise<number> {
  const order = { memory: huge, variants: VARIANTS, ms: THREAD_MS, gate: new SharedArrayBuffer(8) };
  const gate = new Int32Array(order.gate);
  const workers = Array.from({ length: count }, (_, n) => {
    const workerData: HitOrder = { ...order, seed: n + 2 };
    return new Worker(new URL("./index.worker.ts", import.meta.url), { workerData });
  });
  const reports = workers.map(
    (worker) =>
      new Promise<HitReport>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      }),
  );
  while (Atomics.load(gate, 0) < count) await new Promise((resolve) => setImmediate(resolve));
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
  const done = await Promise.all(reports);
  return done.reduce((sum, one) => sum + one.hitsPerSecond, 0);
}

function report(): void {
  const nanoseconds = (name: Look): number => median(rounds.map((round) => round[name]));
  const ratio = (name: Look): number => median(rounds.map((round) => round.rival / round[name]));
  const scaling = median(threads.map(({ one, two }) => two / one));
  const rate = median(threads.map(({ two }) => two));
  const regions = [...small.slotRegions, ...small.cellRegions, ...small.ghostRegions];
  const bytes = regions.reduce((sum, one) => sum + one.byteLength, 0) / variantsOf(small.slots);
  if (values.json) {
    const figures = Object.fromEntries(NAMES.map((name) => [name, nanoseconds(name)]));
    const ratios = { ratio: ratio("hit"), ratioOfMeta: ratio("meta") };
    console.log(JSON.stringify({ ...figures, ...ratios, scaling, rate, bytes, hugeBytes }));
    return;
  }
  const lines = [
    ["a hit, hash included", ns(nanoseconds("hit")), ""],
    ["  without large pages", ns(nanoseconds("smallPages")), ""],
    ["a hit with all of its meta", ns(nanoseconds("meta")), ""],
    ["lru-cache (npm), the same keys", ns(nanoseconds("rival")), ""],
    ["times as fast as lru-cache", ratio("hit").toFixed(2), `wanted ${WANTED.ratio}`],
    ["  with all of the meta", ratio("meta").toFixed(2), ""],
    ["two threads over one", scaling.toFixed(2), `wanted ${WANTED.threads}`],
    ["hits a second, two threads", `${(rate / 1e6).toFixed(1)} M`, `wanted ${WANTED.rate / 1e6} M`],
    ["bytes a variant, all counted", bytes.toFixed(1), `at most ${WANTED.bytes}`],
  ];
  for (const [what = "", figure = "", wanted = ""] of lines) {
    console.log(`${what.padEnd(32)} ${figure.padStart(8)}   ${wanted}`);
  }
}

function ns(value: number): string {
  return `${value.toFixed(0)} ns`;
}
