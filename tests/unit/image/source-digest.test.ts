/** What the bytes of a source are compared with, before anything is made from it. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JobOutcome, MakeJob } from "../../../src/image/job.ts";
import { runJobs } from "../../../src/image/make-several.ts";
import { digestOf } from "../../../src/wire/xxhash.ts";
import { JOB_LIMITS, makeJob } from "../../support/image-jobs.ts";
import { drawJpeg } from "../../support/pictures.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

async function ended(jobs: readonly MakeJob[]): Promise<JobOutcome[]> {
  const outcomes: JobOutcome[] = [];
  for await (const outcome of runJobs(jobs)) outcomes.push(outcome);
  return outcomes;
}

async function sourceIn(dir: TempDir): Promise<{ path: string; digest: string }> {
  const path = dir.write("source.jpg", await drawJpeg({ width: 400, height: 300 }));
  return { path, digest: digestOf(readFileSync(path)) };
}

describe("a source", () => {
  for (const sides of [[160], [320, 160, 80]]) {
    const jobsOf = (dir: TempDir, path: string, more: Partial<MakeJob>): MakeJob[] =>
      sides.map((side) =>
        makeJob(path, join(dir.path, `${side}`), { ...more, box: { width: side, height: side } }),
      );

    test(`with the bytes that were published is made into ${sides}`, async () => {
      using dir = makeTempDir();
      const { path, digest } = await sourceIn(dir);
      const outcomes = await ended(jobsOf(dir, path, { sourceDigest: digest }));
      expect(outcomes.map(({ kind }) => kind)).toEqual(sides.map(() => "made"));
    });

    test(`with other bytes is made into nothing, though it can be decoded: ${sides}`, async () => {
      using dir = makeTempDir();
      const { path } = await sourceIn(dir);
      const jobs = jobsOf(dir, path, { sourceDigest: "0123456789abcdef" });
      for (const outcome of await ended(jobs)) {
        expect(outcome).toMatchObject({ kind: "fault", code: "undecodable" });
      }
      for (const { target } of jobs) expect(existsSync(target)).toBe(false);
    });
  }

  test("of too many bytes is refused for that, and one that is gone for that", async () => {
    using dir = makeTempDir();
    const { path } = await sourceIn(dir);
    const target = join(dir.path, "target");
    const limits = { ...JOB_LIMITS, sourceBytes: 10 };
    const other = { sourceDigest: "0123456789abcdef" };
    const [large] = await ended([makeJob(path, target, { ...other, limits })]);
    expect(large).toMatchObject({ kind: "fault", code: "image_too_large" });
    const [gone] = await ended([makeJob(join(dir.path, "gone"), target, other)]);
    expect(gone).toMatchObject({ kind: "fault", message: expect.not.stringContaining("damaged") });
  });
});
