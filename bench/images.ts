/**
 * The pool of image workers: its throughput beside sharp alone with the same settings and as many processes, alternated;
 * what making small pictures from a nearer variant saves; its memory over two thousand mixed jobs. With an argument
 * one of them alone: throughput, nearer, memory.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import sharp from "sharp";
import { systemClock } from "../src/base/clock.ts";
import { LIMITS } from "../src/base/limits.ts";
import { outputSides } from "../src/image/fit.ts";
import type { MakeJob } from "../src/image/job.ts";
import { type ImagePool, makeImagePool } from "../src/image/pool.ts";
import { createCounterMemory, openCounters } from "../src/observe/counters.ts";
import { silentLog } from "../src/observe/log.ts";
import { digestOf } from "../src/wire/xxhash.ts";
import { childrenOf } from "../tests/support/child-processes.ts";
import { makeJob } from "../tests/support/image-jobs.ts";
import { residentBytes } from "../tests/support/memory.ts";
import { drawRaw } from "../tests/support/pictures.ts";
import type { BareList } from "./support/bare-sharp.ts";
import { cpuOf, median } from "./support/cpu.ts";

const ROUNDS = Number(process.env["MIR_ROUNDS"] ?? 7);
const MEMORY_JOBS = Number(process.env["MIR_JOBS"] ?? 2000);
const WORKER = resolve(import.meta.dir, "../tests/support/image-worker.ts");
const BARE = resolve(import.meta.dir, "support/bare-sharp.ts");
/** A photograph of 12 megapixels of a phone, if one lies beside the checkout; else a drawn one. */
const GIVEN = resolve(import.meta.dir, "../../shared/photos/phone.jpg");
const MIX = [
  { box: { width: 320, height: 240 }, format: "jpg", quality: 80 },
  { box: { width: 1024, height: 768 }, format: "webp", quality: 79 },
  { box: { width: 1024, height: 768 }, format: "jpg", quality: 80 },
  { box: { width: 320, height: 240 }, format: "avif", quality: 50 },
  { box: { width: 2048, height: 1536 }, format: "jpg", quality: 80 },
] as const;

type Bare = Subprocess<"ignore", "ignore", "inherit">;

/** Of sources. */
const digests = new Map<string, string>();
/** Whom the next message of a bare process is for. */
const heard = new Map<Bare, () => void>();
const dir = mkdtempSync(join(tmpdir(), "mir-images-"));
try {
  await run();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const photo = existsSync(GIVEN) ? GIVEN : await draw("photo.jpg", 4000, 3000);
  const { width, height } = await sharp(photo).metadata();
  console.log(`source ${width}x${height}${photo === GIVEN ? ", a photograph" : ", drawn"}`);
  const md = join(dir, "md.jpg");
  const upright = sharp(photo).autoOrient().resize({ width: 1024, height: 768, fit: "inside" });
  await upright.jpeg({ quality: 80, mozjpeg: true }).toFile(md);
  const [part = "all"] = process.argv.slice(2);
  const isWanted = (name: string): boolean => part === "all" || part === name;
  for (const workers of isWanted("throughput") ? [1, 2] : []) await besideSharp(photo, workers);
  if (isWanted("nearer")) await nearerSource(photo, md);
  if (isWanted("memory")) await memory(photo, md);
}

/** Each round the pool and sharp alone make the same list, the one that begins in turns. */
async function besideSharp(photo: string, workers: number): Promise<void> {
  await using pool = startPool(workers);
  const bare = await Promise.all(Array.from({ length: workers }, startBare));
  const meta = await sharp(photo).autoOrient().toBuffer({ resolveWithObject: true });
  const list = Array.from({ length: workers * 2 }, () => MIX).flat();
  const ratios: number[] = [];
  const cpu: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const jobs = list.map((wish) => jobOf(photo, wish));
      const pids = bare.map(({ pid }) => pid);
      const ours = (): Promise<Cost> => costOf(workersHere, () => throughPool(pool.pool, jobs));
      const theirs = (): Promise<Cost> =>
        costOf(
          () => pids,
          () => throughBare(bare, jobs, meta.info),
        );
      const first = round % 2 === 0 ? await ours() : await theirs();
      const second = round % 2 === 0 ? await theirs() : await ours();
      const [pooled, alone] = round % 2 === 0 ? [first, second] : [second, first];
      // the first round warms both
      if (round === 0) continue;
      ratios.push(alone.ms / pooled.ms);
      cpu.push(alone.cpuSeconds / pooled.cpuSeconds);
    }
  } finally {
    for (const child of bare) child.kill();
  }
  console.log(
    `${workers} worker(s): throughput ${shown(ratios)} of sharp alone (wanted 0.95); for the same CPU ${shown(cpu)}`,
  );
}

async function nearerSource(photo: string, md: string): Promise<void> {
  await using pool = startPool(1);
  const wish = { box: { width: 160, height: 160 }, format: "jpg", quality: 80 } as const;
  const ratios: number[] = [];
  const cpu: number[] = [];
  const each = async (source: string, count: number): Promise<Cost> => {
    const jobs = repeat(count, () => jobOf(source, wish));
    const { ms, cpuSeconds } = await costOf(workersHere, () => throughPool(pool.pool, jobs));
    return { ms: ms / count, cpuSeconds: cpuSeconds / count };
  };
  for (let round = 0; round <= ROUNDS; round++) {
    const slow = await each(photo, 12);
    const quick = await each(md, 60);
    if (round === 0) continue;
    ratios.push(slow.ms / quick.ms);
    cpu.push(slow.cpuSeconds / quick.cpuSeconds);
  }
  console.log(
    `160x160 from 1024x768: ${shown(ratios)} x as many a second as from the original (wanted 5); ` +
      `for the same CPU ${shown(cpu)}`,
  );
}

/** Resident bytes of the image workers, which are not replaced meanwhile. */
async function memory(photo: string, md: string): Promise<void> {
  await using pool = startPool(2);
  const seen: number[] = [];
  const step = Math.max(20, Math.round(MEMORY_JOBS / 40));
  for (let done = 0; done < MEMORY_JOBS; done += step) {
    const jobs = repeat(step, (i) =>
      jobOf(
        i % 20 === 0 ? photo : md,
        MIX[i % MIX.length] ?? MIX[0],
        i % 3 === 0 ? "one" : undefined,
      ),
    );
    await throughPool(pool.pool, jobs);
    const bytes = workersHere().map((pid) => residentBytes(pid));
    seen.push(Math.max(...bytes) / 2 ** 20);
    for (const { target } of jobs) rmSync(target, { force: true });
  }
  const quarter = Math.ceil(seen.length / 4);
  const early = median(seen.slice(quarter, 2 * quarter));
  const late = median(seen.slice(-quarter));
  console.log(
    `${MEMORY_JOBS} mixed jobs: the larger worker held ${early.toFixed(0)} MiB in the second quarter, ` +
      `${late.toFixed(0)} MiB in the last; most ${Math.max(...seen).toFixed(0)} MiB`,
  );
}

function startPool(workers: number): AsyncDisposable & { readonly pool: ImagePool } {
  const pool = makeImagePool({
    workers,
    command: [process.execPath, WORKER],
    queueMax: LIMITS.imageQueueMax,
    jobMs: 60_000,
    counters: openCounters(createCounterMemory(1), 0),
    log: silentLog,
    clock: systemClock,
  });
  return { pool, [Symbol.asyncDispose]: () => pool.close() };
}

async function startBare(): Promise<Bare> {
  const ready = Promise.withResolvers<void>();
  const child: Bare = Bun.spawn(["nice", "-n", "19", process.execPath, BARE], {
    env: { ...process.env, MALLOC_ARENA_MAX: "2" },
    stdio: ["ignore", "ignore", "inherit"],
    serialization: "json",
    ipc: () => heard.get(child)?.(),
  });
  heard.set(child, ready.resolve);
  await ready.promise;
  return child;
}

/** As many at a time as there are workers: on a machine that does other things none waits for longer than jobs may. */
async function throughPool(pool: ImagePool, jobs: readonly MakeJob[]): Promise<void> {
  const { workers } = pool.stats();
  const left = [...jobs];
  const feed = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) {
      const { kind } = await pool.run(job, { deadlineMs: 60_000 });
      if (kind !== "made") throw new Error("not made");
    }
  };
  await Promise.all(repeat(workers, feed));
}

/** Each of them has the same list. */
async function throughBare(
  children: readonly Bare[],
  jobs: readonly MakeJob[],
  original: { readonly width: number; readonly height: number },
): Promise<void> {
  const each = jobs.length / children.length;
  await Promise.all(
    children.map((child, i) => {
      const done = Promise.withResolvers<void>();
      heard.set(child, done.resolve);
      const part = jobs.slice(i * each, (i + 1) * each);
      const list: BareList = {
        jobs: part.map((job) => ({ ...job, ...outputSides(original, job) })),
      };
      child.send(list);
      return done.promise;
    }),
  );
}

/** `of` is a picture's name: jobs of one are made together, those without by themselves. */
function jobOf(
  source: string,
  wish:
    | (typeof MIX)[number]
    | { box: { width: number; height: number }; format: "jpg"; quality: number },
  of?: string,
): MakeJob {
  return makeJob(source, join(dir, crypto.randomUUID()), {
    ...wish,
    of: of === undefined ? crypto.randomUUID() : `${of} ${source}`,
    // as a node has it of its files: the source is compared with it first
    sourceDigest: digestOfFile(source),
  });
}

function digestOfFile(source: string): string {
  const digest = digests.get(source) ?? digestOf(readFileSync(source));
  digests.set(source, digest);
  return digest;
}

interface Cost {
  readonly ms: number;
  /** Of the processes that make pictures, and of this one that hands out the work. */
  readonly cpuSeconds: number;
}

/** On a machine that does other things too the CPU tells more than the clock. */
async function costOf(pids: () => readonly number[], work: () => Promise<void>): Promise<Cost> {
  const cpu = (): number => {
    const { userSeconds, systemSeconds } = cpuOf([process.pid, ...pids()]);
    return userSeconds + systemSeconds;
  };
  const [before, start] = [cpu(), performance.now()];
  await work();
  return { ms: performance.now() - start, cpuSeconds: cpu() - before };
}

function workersHere(): number[] {
  return childrenOf(process.pid, WORKER);
}

/** Median, least and most. */
function shown(ratios: readonly number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

function repeat<T>(times: number, make: (i: number) => T): T[] {
  return Array.from({ length: times }, (_, i) => make(i));
}

async function draw(name: string, width: number, height: number): Promise<string> {
  const path = join(dir, name);
  const raw = { width, height, channels: 3 } as const;
  await sharp(drawRaw(width, height), { raw }).jpeg({ quality: 90 }).toFile(path);
  return path;
}
