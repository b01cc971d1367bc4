/** The pool of image workers at its beginning and end: children that do not start, and none left behind. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join, resolve } from "node:path";
import { asFault } from "../../../src/base/fault.ts";
import type { ImageJob } from "../../../src/image/job.ts";
import { childrenOf, isGone } from "../../support/child-processes.ts";
import { drawNoise, makeJob } from "../../support/image-jobs.ts";
import { ENTRY, faultOf, startPool, workersHere } from "../../support/image-pool.ts";
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

/** More than a minute of work. */
function endless(source = large): ImageJob & { target: string } {
  const box = { width: 2400, height: 1800 };
  return makeJob(source, join(dir.path, crypto.randomUUID()), { format: "avif", effort: 9, box });
}

describe("children that do not start", () => {
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ["a program that ends at once", ["/bin/false"]],
    ["a program that is not there", ["/nowhere/mir"]],
    [
      "a program that speaks another language",
      [process.execPath, "-e", "process.send({ hello: 1 })"],
    ],
  ];
  for (const [name, command] of commands) {
    test(`${name}: the job is told after three starts, the next one at once`, async () => {
      await using tried = startPool({ command, workers: 4 });
      const codes = await Promise.all(
        [quick(), quick()].map(async (job) => (await faultOf(tried.pool.run(job, patient))).code),
      );
      expect(codes).toEqual(["image_failed", "image_failed"]);
      const starts = tried.lines.filter((line) => line.includes("did not start")).length;
      expect(starts).toBeGreaterThanOrEqual(3);
      expect(starts).toBeLessThanOrEqual(8);
      expect((await faultOf(tried.pool.run(quick(), patient))).code).toBe("image_failed");
      expect(tried.lines.filter((line) => line.includes("did not start")).length).toBe(starts);
    });
  }

  test("children that die at every picture are started later and later, and it shows", async () => {
    const dies = `process.send({ kind: "ready" }); process.on("message", () => process.exit(9));`;
    await using tried = startPool({ command: [process.execPath, "-e", dies] });
    for (const name of ["a.jpg", "b.jpg", "c.jpg"]) {
      const job = quick(dir.write(name, await drawNoise(30, 20)));
      expect((await faultOf(tried.pool.run(job, patient))).code).toBe("image_failed");
    }
    const told = tried.lines.filter((line) => line.includes("keep dying"));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('"inARow":5,"nextTryMs":100');
    expect(told[1]).toContain('"inARow":6,"nextTryMs":200');
    const { inARow, nextTryMs } = tried.pool.stats();
    expect(inARow).toBe(6);
    expect(nextTryMs).toBeGreaterThan(0);
    await until(() => tried.pool.stats().nextTryMs === 0, "it is tried again");
  });

  test("warmed up, the pool says so before there is a job, once", async () => {
    await using tried = startPool({ command: ["/bin/false"] });
    tried.pool.warmUp();
    await until(() => tried.lines.length > 0, "the failed start is logged");
    expect(tried.lines.length).toBe(1);
    expect(tried.lines[0]).toContain("image worker did not start");
  });

  test("what a child says it lacks is in the log, not in the fault", async () => {
    const program =
      'process.send({ kind: "unable", message: "no room in /secret" }); setInterval(() => {}, 1e9)';
    await using tried = startPool({ command: [process.execPath, "-e", program] });
    const fault = await faultOf(tried.pool.run(quick(), patient));
    expect(fault.message).not.toContain("/secret");
    expect(tried.lines.join()).toContain("no room in /secret");
  });
});

describe("the end", () => {
  test("close leaves no child behind and lets nothing in", async () => {
    const { pool } = startPool({ workers: 2 });
    const jobs = [endless(), quick(), quick(), quick()].map((job) =>
      pool.run(job, patient).catch(asFault),
    );
    await until(() => pool.stats().busy > 0);
    const children = workersHere();
    await pool.close();
    await Promise.all(jobs);
    expect(children.every(isGone)).toBe(true);
    expect(workersHere()).toEqual([]);
    expect((await faultOf(pool.run(quick(), patient))).code).toBe("draining");
  });

  test("an image worker that hears nothing dies with a parent that was killed", async () => {
    const program = `
      const { makeImagePool } = await import(${JSON.stringify(resolve("src/image/pool.ts"))});
      const { systemClock } = await import(${JSON.stringify(resolve("src/base/clock.ts"))});
      const { silentLog } = await import(${JSON.stringify(resolve("src/observe/log.ts"))});
      const pool = makeImagePool({
        workers: 1, command: ${JSON.stringify([process.execPath, ENTRY])}, queueMax: 1, jobMs: 60000,
        counters: { add() {} }, log: silentLog, clock: systemClock,
      });
      void pool.run(${JSON.stringify(endless())}, { deadlineMs: 60000 });
      for (;;) {
        if (pool.stats().busy === 1) { process.stdout.write("busy"); break; }
        await new Promise((done) => setImmediate(done));
      }
    `;
    const parent = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const reader = parent.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("busy");
    const [child = 0] = childrenOf(parent.pid, ENTRY);
    expect(child).toBeGreaterThan(0);
    // stopped, it cannot notice by itself that its channel is closed
    process.kill(child, "SIGSTOP");
    parent.kill("SIGKILL");
    try {
      await until(() => isGone(child), "the image worker is gone");
    } finally {
      if (!isGone(child)) process.kill(child, "SIGKILL");
    }
  }, 30_000);
});
