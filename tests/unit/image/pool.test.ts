/** The pool of image workers: real child processes, killed, hung, crashed and replaced. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ImageJob } from "../../../src/image/job.ts";
import { isGone, niceOf, schedulingOf } from "../../support/child-processes.ts";
import { drawNoise, JOB_LIMITS, makeJob } from "../../support/image-jobs.ts";
import { busyWorker, faultOf, startPool, workersHere } from "../../support/image-pool.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";

// image workers run at the lowest priority: beside other work everything takes its time
setDefaultTimeout(60_000);

const patient = { deadlineMs: 15_000 };
let dir: TempDir;
let small: string;
let large: string;

beforeAll(async () => {
  dir = makeTempDir();
  small = dir.write("small.jpg", await drawNoise(300, 200));
  large = dir.write("large.jpg", await drawNoise(2400, 1800));
});
afterAll(() => dir[Symbol.dispose]());

function quick(source = small): ImageJob {
  return makeJob(source, join(dir.path, crypto.randomUUID()));
}

/** Some hundred milliseconds of work. */
function slow(source = large): ImageJob {
  const box = { width: 400, height: 300 };
  return makeJob(source, join(dir.path, crypto.randomUUID()), { format: "avif", effort: 4, box });
}

/** More than a minute of work. */
function endless(source = large): ImageJob & { target: string } {
  const box = { width: 2400, height: 1800 };
  return makeJob(source, join(dir.path, crypto.randomUUID()), { format: "avif", effort: 9, box });
}

/** sched(7). */
const SCHED_IDLE = 5;

describe("work", () => {
  test("no child before the first job, and no more than are needed or allowed", async () => {
    await using tried = startPool({ workers: 2 });
    expect(workersHere()).toEqual([]);
    expect(tried.pool.stats()).toMatchObject({ workers: 2, busy: 0, queued: 0, later: 0 });
    const results = await Promise.all(
      Array.from({ length: 6 }, () => tried.pool.run(quick(), patient)),
    );
    expect(results.map((r) => r.kind)).toEqual(Array(6).fill("made"));
    expect(workersHere()).toHaveLength(2);
    expect(tried.pool.stats()).toMatchObject({ workers: 2, busy: 0, queued: 0, later: 0 });
  });

  test("a refusal of the worker is the job's fault, and counted", async () => {
    await using tried = startPool();
    const source = dir.write("text.jpg", "no picture");
    const fault = await faultOf(tried.pool.run(quick(source), patient));
    expect(fault.code).toBe("undecodable");
    expect(tried.counted("image_failed")).toBe(1);
    expect(tried.counted("image_worker_restart")).toBe(0);
    expect((await tried.pool.run(quick(), patient)).kind).toBe("made");
  });

  test("a refusal is told with the picture it was, not with a file of the moment", async () => {
    await using tried = startPool();
    const source = dir.write("1-1-48", "no picture");
    const job = { ...quick(source), id: "kitten", of: "ki/tt/en/orig/kitten.jpg" };
    await faultOf(tried.pool.run(job, patient));
    const upload = { kind: "probe", id: "puppy", source, limits: JOB_LIMITS } as const;
    await faultOf(tried.pool.run(upload, patient));
    const told = tried.lines.map((line) => JSON.parse(line));
    expect(told.filter(({ event }) => event === "image job refused")).toMatchObject([
      { id: "kitten", source: "ki/tt/en/orig/kitten.jpg", code: "undecodable" },
      { id: "puppy", source, code: "undecodable" },
    ]);
  });

  test("facts come from a look at the header", async () => {
    await using tried = startPool();
    const result = await tried.pool.run(
      { kind: "probe", source: small, limits: JOB_LIMITS },
      patient,
    );
    expect(result).toMatchObject({
      kind: "probed",
      format: "jpg",
      facts: { width: 300, height: 200 },
    });
  });

  test("image workers yield to everything else and inherit no secret", async () => {
    process.env["MIR_S3_SECRET_ACCESS_KEY"] = "hush";
    try {
      await using tried = startPool();
      await tried.pool.run(quick(), patient);
      const [pid = 0] = workersHere();
      expect(niceOf(pid)).toBe(19);
      expect(schedulingOf(pid)).toBe(SCHED_IDLE);
      expect(await Bun.file(`/proc/${pid}/oom_score_adj`).text()).toBe("500\n");
      expect(await Bun.file(`/proc/${pid}/environ`).text()).not.toContain("hush");
    } finally {
      delete process.env["MIR_S3_SECRET_ACCESS_KEY"];
    }
  });
});

describe("crashes", () => {
  test("a child killed in mid-job costs the job nothing but time", async () => {
    await using tried = startPool();
    const running = tried.pool.run(slow(), patient);
    process.kill(await busyWorker(tried.pool), "SIGKILL");
    expect((await running).kind).toBe("made");
    expect(tried.counted("image_worker_restart")).toBe(1);
  });

  test("a picture that kills two children is refused for a while, others are not", async () => {
    await using tried = startPool();
    const job = endless();
    const failing = faultOf(tried.pool.run(job, patient));
    const first = await busyWorker(tried.pool);
    process.kill(first, "SIGKILL");
    await until(() => tried.pool.stats().busy === 1 && workersHere().some((pid) => pid !== first));
    process.kill(await busyWorker(tried.pool), "SIGKILL");
    expect((await failing).code).toBe("image_failed");
    expect(existsSync(job.target)).toBe(false);
    const again = await faultOf(tried.pool.run(quick(large), patient));
    expect(again.code).toBe("image_failed");
    expect(again.retryAfterMs).toBeGreaterThan(50_000);
    expect((await tried.pool.run(quick(), patient)).kind).toBe("made");
    expect(tried.counted("image_failed")).toBe(1);
  });

  test("an idle child that dies is replaced when it is needed", async () => {
    await using tried = startPool();
    await tried.pool.run(quick(), patient);
    const [pid = 0] = workersHere();
    process.kill(pid, "SIGKILL");
    expect((await tried.pool.run(quick(), patient)).kind).toBe("made");
    expect(workersHere()).not.toContain(pid);
  });
});

describe("time", () => {
  test("a job that takes too long is killed and refused; a smaller one of the picture is made", async () => {
    await using tried = startPool({ jobMs: 1000 });
    const job = endless();
    const failing = faultOf(tried.pool.run(job, patient));
    const pid = await busyWorker(tried.pool);
    expect((await failing).code).toBe("image_failed");
    await until(() => isGone(pid));
    expect(existsSync(job.target)).toBe(false);
    expect(tried.counted("image_worker_restart")).toBe(1);
    expect((await faultOf(tried.pool.run(job, patient))).retryAfterMs).toBeGreaterThan(50_000);
    expect((await tried.pool.run(quick(large), patient)).kind).toBe("made");
  });

  test("who gets no turn within its deadline is told when to come again", async () => {
    await using tried = startPool();
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const fault = await faultOf(tried.pool.run(quick(), { deadlineMs: 20 }));
    expect(fault.code).toBe("overloaded");
    expect(fault.retryAfterMs).toBeGreaterThan(0);
    await tried.pool.close();
    expect((await running).code).toBe("draining");
  });
});

describe("bounds", () => {
  test("beyond the queue's bound a job is refused at once", async () => {
    await using tried = startPool({ queueMax: 2 });
    const running = faultOf(tried.pool.run(endless(), patient));
    await busyWorker(tried.pool);
    const waiting = [tried.pool.run(quick(), patient), tried.pool.run(quick(), patient)].map(
      faultOf,
    );
    expect(tried.pool.stats()).toMatchObject({ workers: 1, busy: 1, queued: 2, later: 0 });
    expect((await faultOf(tried.pool.run(quick(), patient))).code).toBe("overloaded");
    await tried.pool.close();
    const codes = (await Promise.all([running, ...waiting])).map((fault) => fault.code);
    expect(codes).toEqual(["draining", "draining", "draining"]);
  });

  test("a child is replaced after its share of jobs", async () => {
    await using tried = startPool({
      recycle: { jobsMax: 2, rssBytesMax: Number.MAX_SAFE_INTEGER },
    });
    const seen = new Set<number>();
    for (let i = 0; i < 4; i++) {
      await tried.pool.run(quick(), patient);
      for (const pid of workersHere()) seen.add(pid);
      await until(() => workersHere().length <= 1);
    }
    expect(seen.size).toBe(2);
    await until(() => workersHere().length === 0);
    expect(tried.counted("image_worker_restart")).toBe(0);
  });

  test("a child that has grown too large is replaced", async () => {
    await using tried = startPool({ recycle: { jobsMax: 1000, rssBytesMax: 1 } });
    expect((await tried.pool.run(quick(), patient)).kind).toBe("made");
    await until(() => workersHere().length === 0);
    expect((await tried.pool.run(quick(), patient)).kind).toBe("made");
  });
});
