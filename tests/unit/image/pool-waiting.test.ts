/** Jobs that wait for an image worker: who leaves, who is hurried, who is sent away, and what is made together. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, linkSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { LIMITS } from "../../../src/base/limits.ts";
import type { MakeJob } from "../../../src/image/job.ts";
import { drawNoise, makeJob } from "../../support/image-jobs.ts";
import { busyWorker, faultOf, startPool, workersHere } from "../../support/image-pool.ts";
import { drawRaw } from "../../support/pictures.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

// image workers run at the lowest priority: beside other work everything takes its time
setDefaultTimeout(60_000);

const patient = { deadlineMs: 15_000 };
let dir: TempDir;
let small: string;
let large: string;
let photo: string;

beforeAll(async () => {
  dir = makeTempDir();
  small = dir.write("small.jpg", await drawNoise(300, 200));
  large = dir.write("large.jpg", await drawNoise(2400, 1800));
  const raw = { width: 1200, height: 900, channels: 3 } as const;
  photo = dir.write("photo.jpg", await sharp(drawRaw(1200, 900), { raw }).jpeg().toBuffer());
});
afterAll(() => dir[Symbol.dispose]());

const target = (): string => join(dir.path, crypto.randomUUID());
const quick = (source = small): MakeJob => makeJob(source, target());

/** More than a minute of work. */
function endless(): MakeJob {
  const box = { width: 2400, height: 1800 };
  return makeJob(large, target(), { format: "avif", effort: 9, box });
}

describe("who does not wait any more", () => {
  test("a job that nobody waits for leaves the queue, and is counted", async () => {
    await using tried = startPool();
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const gone = new AbortController();
    const job = quick();
    const leaving = faultOf(tried.pool.run(job, { ...patient, gone: gone.signal }));
    expect(tried.pool.stats().queued).toBe(1);
    gone.abort();
    expect((await leaving).code).toBe("abandoned");
    expect(tried.pool.stats().queued).toBe(0);
    expect(existsSync(job.target)).toBe(false);
    expect([tried.counted("image_left"), tried.counted("image_failed")]).toEqual([1, 0]);
    await tried.pool.close();
    await running;
  });

  test("one that has begun is made to its end", async () => {
    await using tried = startPool();
    const gone = new AbortController();
    const box = { width: 800, height: 600 };
    const running = tried.pool.run(makeJob(large, target(), { box }), {
      ...patient,
      gone: gone.signal,
    });
    await busyWorker(tried.pool);
    gone.abort();
    expect((await running).kind).toBe("made");
  });

  test("who has gone before it was asked is not let in", async () => {
    await using tried = startPool();
    const fault = await faultOf(tried.pool.run(quick(), { ...patient, gone: AbortSignal.abort() }));
    expect(fault.code).toBe("abandoned");
  });
});

describe("what is made later", () => {
  test("has a bound of its own, and waits behind what was asked for", async () => {
    await using tried = startPool({ queueMax: 1 });
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const later = { ...patient, later: true };
    const waiting = Array.from({ length: LIMITS.imageLaterMax }, () =>
      faultOf(tried.pool.run(quick(), later)),
    );
    expect((await faultOf(tried.pool.run(quick(), later))).code).toBe("overloaded");
    waiting.push(faultOf(tried.pool.run(quick(), patient)));
    expect(tried.pool.stats()).toMatchObject({ queued: 1, later: LIMITS.imageLaterMax });
    await tried.pool.close();
    await Promise.all([running, ...waiting]);
  });

  test("goes among what was asked for when somebody asks", async () => {
    await using tried = startPool();
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const hurry = new AbortController();
    const job = { ...patient, later: true, hurry: hurry.signal };
    const waiting = faultOf(tried.pool.run(quick(), job));
    expect(tried.pool.stats()).toMatchObject({ queued: 0, later: 1 });
    hurry.abort();
    expect(tried.pool.stats()).toMatchObject({ queued: 1, later: 0 });
    await tried.pool.close();
    await Promise.all([running, waiting]);
  });
});

describe("who has something to send instead", () => {
  test("is sent away at once when the wait would be longer than its patience", async () => {
    await using tried = startPool();
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const fault = await faultOf(tried.pool.run(quick(), { ...patient, patienceMs: 50 }));
    expect(fault.code).toBe("overloaded");
    expect(fault.retryAfterMs).toBeGreaterThan(0);
    const waiting = faultOf(tried.pool.run(quick(), { ...patient, patienceMs: 5000 }));
    expect(tried.pool.stats().queued).toBe(1);
    await tried.pool.close();
    await Promise.all([running, waiting]);
  });
});

describe("several variants of one picture", () => {
  test("are made from one decoding, each as if it had been made alone", async () => {
    await using tried = startPool();
    const blocker = tried.pool.run(makeJob(large, target(), { format: "avif" }), patient);
    await busyWorker(tried.pool);
    const wishes = [
      { box: { width: 1024, height: 768 }, format: "jpg" },
      { box: { width: 320, height: 240 }, format: "webp" },
      { box: { width: 160, height: 160 }, format: "png" },
    ] as const;
    const jobs = wishes.map((wish) => {
      // each has a name of its own for the file, as holders of a variant have
      const source = target();
      linkSync(photo, source);
      return makeJob(source, target(), { ...wish, of: "ab/cd/ef/orig/abcdef.jpg" });
    });
    const made = await Promise.all(jobs.map((job) => tried.pool.run(job, patient)));
    expect((await blocker).kind).toBe("made");
    expect(tried.counted("image_batched")).toBe(2);
    expect(made.map((m) => m.kind === "made" && [m.width, m.height])).toEqual([
      [1024, 768],
      [320, 240],
      [160, 120],
    ]);
    await using alone = startPool();
    for (const [i, job] of jobs.entries()) {
      const other = makeJob(photo, target(), wishes[i]);
      await alone.pool.run(other, patient);
      const pixels = await Promise.all(
        [job.target, other.target].map((path) => sharp(path).removeAlpha().raw().toBuffer()),
      );
      expect(meanDifference(pixels[0], pixels[1])).toBeLessThan(2);
    }
    expect(alone.counted("image_batched")).toBe(0);
  });

  test("of a picture that cannot be decoded each is refused for what it is", async () => {
    await using tried = startPool();
    const blocker = tried.pool.run(makeJob(large, target(), { format: "avif" }), patient);
    await busyWorker(tried.pool);
    const source = dir.write("text.jpg", "no picture");
    const faults = await Promise.all(
      [1, 2].map(() => faultOf(tried.pool.run(quick(source), patient))),
    );
    expect(faults.map((fault) => fault.code)).toEqual(["undecodable", "undecodable"]);
    await blocker;
  });

  test("are at most so many at a time", async () => {
    await using tried = startPool({ queueMax: 30 });
    const blocker = tried.pool.run(makeJob(large, target(), { format: "avif" }), patient);
    await busyWorker(tried.pool);
    const jobs = Array.from({ length: LIMITS.imageBatchMax + 2 }, () =>
      tried.pool.run(quick(), patient),
    );
    const kinds = (await Promise.all(jobs)).map((made) => made.kind);
    expect(new Set(kinds)).toEqual(new Set(["made"]));
    // two batches: each has one that pays for the decoding
    expect(tried.counted("image_batched")).toBe(LIMITS.imageBatchMax);
    await blocker;
  });
});

describe("harm", () => {
  test("what waits for the same picture is refused with it", async () => {
    await using tried = startPool();
    const first = faultOf(tried.pool.run(endless(), patient));
    const pid = await busyWorker(tried.pool);
    const second = faultOf(tried.pool.run(quick(large), patient));
    const other = tried.pool.run(quick(), patient);
    process.kill(pid, "SIGKILL");
    await until(() => tried.pool.stats().busy === 1 && workersHere().some((one) => one !== pid));
    process.kill(await busyWorker(tried.pool), "SIGKILL");
    expect([(await first).code, (await second).code]).toEqual(["image_failed", "image_failed"]);
    expect((await second).retryAfterMs).toBeGreaterThan(50_000);
    expect((await other).kind).toBe("made");
    expect([tried.counted("image_poisoned"), tried.counted("image_refused")]).toEqual([1, 1]);
  });

  test("a worker that takes more memory than it may is killed in mid-job", async () => {
    const recycle = { jobsMax: 1000, rssBytesMax: 2 ** 40, rssBytesCeiling: 1 };
    await using tried = startPool({ recycle });
    const fault = await faultOf(tried.pool.run(endless(), patient));
    expect(fault.code).toBe("image_failed");
    expect(tried.lines.join()).toContain("more memory");
    expect(tried.counted("image_poisoned")).toBe(1);
  });
});

/** Of 255, over all channels. */
function meanDifference(a: Buffer | undefined, b: Buffer | undefined): number {
  if (a === undefined || b === undefined || a.length !== b.length) return Number.NaN;
  let sum = 0;
  for (const [i, value] of a.entries()) sum += Math.abs(value - (b[i] ?? 0));
  return sum / a.length;
}
