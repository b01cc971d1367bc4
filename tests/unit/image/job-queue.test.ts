/** The order of waiting image jobs, their bound and their deadlines; what is refused after a crash. */

import { describe, expect, test } from "bun:test";
import type { Clock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { costMs } from "../../../src/image/job-cost.ts";
import { makeJobQueue } from "../../../src/image/job-queue.ts";
import { makeRefusedJobs } from "../../../src/image/refused-jobs.ts";
import { JOB_LIMITS, makeJob } from "../../support/image-jobs.ts";

function steppedClock(): Clock & { now: number } {
  return {
    now: 0,
    monotonicMs() {
      return this.now;
    },
    wallSeconds: () => 0,
  };
}

const patient = { waitMs: 60_000, expired: () => {} };

describe("the queue", () => {
  test("first come, first served among equals", () => {
    const queue = makeJobQueue<string>({ itemsMax: 10, clock: steppedClock() });
    for (const name of ["a", "b", "c"]) queue.add(name, { costMs: 50, ...patient });
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      "a",
      "b",
      "c",
      undefined,
    ]);
  });

  test("a small job goes ahead of a large one, but not of one that has waited for longer than that", () => {
    const clock = steppedClock();
    const queue = makeJobQueue<string>({ itemsMax: 10, clock });
    queue.add("large", { costMs: 1000, ...patient });
    clock.now = 900;
    queue.add("small", { costMs: 0, ...patient });
    clock.now = 1100;
    queue.add("late", { costMs: 0, ...patient });
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["small", "large", "late"]);
  });

  test("takes no more than its bound", () => {
    const queue = makeJobQueue<number>({ itemsMax: LIMITS.imageQueueMax, clock: steppedClock() });
    for (let i = 0; i < LIMITS.imageQueueMax; i++) {
      expect(queue.add(i, { costMs: 0, ...patient })).toBeDefined();
    }
    expect(queue.add(-1, { costMs: 0, ...patient })).toBeUndefined();
    expect(queue.takeAll(() => true, Number.POSITIVE_INFINITY)).toHaveLength(LIMITS.imageQueueMax);
    expect(queue.size).toBe(0);
  });

  test("who has waited for long enough leaves, and is told so once", async () => {
    const queue = makeJobQueue<string>({ itemsMax: 2, clock: steppedClock() });
    await new Promise<void>((expired) => queue.add("a", { costMs: 0, waitMs: 1, expired }));
    expect(queue.size).toBe(0);
    expect(queue.take()).toBeUndefined();
  });

  test("one that is not wanted any more leaves its place, once", () => {
    const queue = makeJobQueue<string>({ itemsMax: 2, clock: steppedClock() });
    const place = queue.add("a", { costMs: 0, ...patient });
    queue.add("b", { costMs: 0, ...patient });
    expect([place?.leave(), place?.leave()]).toEqual([true, false]);
    expect([queue.take(), queue.take()]).toEqual(["b", undefined]);
  });

  test("some are taken out of turn, in their order and at most so many", () => {
    const queue = makeJobQueue<string>({ itemsMax: 9, clock: steppedClock() });
    for (const name of ["a1", "b1", "a2", "a3"]) queue.add(name, { costMs: 0, ...patient });
    expect(queue.takeAll((name) => name.startsWith("a"), 2)).toEqual(["a1", "a2"]);
    expect([queue.take(), queue.take()]).toEqual(["b1", "a3"]);
  });
});

describe("the cost that decides the order", () => {
  const box = (side: number) => ({ width: side, height: side });

  test("a look at the header costs nothing, a larger output more, up to a bound", () => {
    expect(costMs({ kind: "probe", source: "s", limits: JOB_LIMITS })).toBe(0);
    const small = costMs(makeJob("s", "t", { box: box(160) }));
    const large = costMs(makeJob("s", "t", { box: box(2000) }));
    expect(small).toBeLessThan(large);
    expect(costMs(makeJob("s", "t", { box: box(8192), format: "gif" }))).toBe(2000);
  });
});

describe("refusals", () => {
  test("a source is refused for every job of it, for a minute", () => {
    const clock = steppedClock();
    const refused = makeRefusedJobs(clock);
    expect(refused.crashed(makeJob("/bad", "t"))).toBe(false);
    expect(refused.waitMs(makeJob("/bad", "t"))).toBe(0);
    expect(refused.crashed(makeJob("/bad", "other"))).toBe(true);
    expect(refused.waitMs(makeJob("/bad", "u", { format: "png" }))).toBe(DEADLINES.imageRefusedMs);
    expect(refused.waitMs({ kind: "probe", source: "/bad", limits: JOB_LIMITS })).toBeGreaterThan(
      0,
    );
    expect(refused.waitMs(makeJob("/good", "t"))).toBe(0);
    clock.now = DEADLINES.imageRefusedMs;
    expect(refused.waitMs(makeJob("/bad", "t"))).toBe(0);
  });

  test("a job is refused, not other sizes or formats of the same source", () => {
    const refused = makeRefusedJobs(steppedClock());
    refused.refuseJob(makeJob("/slow", "t"));
    expect(refused.waitMs(makeJob("/slow", "other target"))).toBeGreaterThan(0);
    expect(refused.waitMs(makeJob("/slow", "t", { format: "png" }))).toBe(0);
    expect(refused.waitMs(makeJob("/slow", "t", { box: { width: 9, height: 9 } }))).toBe(0);
  });

  test("of more than the bound the oldest is forgotten", () => {
    const refused = makeRefusedJobs(steppedClock());
    for (let i = 0; i <= LIMITS.imageRefusedMax; i++) refused.refuseJob(makeJob(`/${i}`, "t"));
    expect(refused.waitMs(makeJob("/0", "t"))).toBe(0);
    expect(refused.waitMs(makeJob("/1", "t"))).toBeGreaterThan(0);
  });

  test("deaths long ago, or before the picture was worked on without one, do not count", () => {
    const clock = steppedClock();
    const refused = makeRefusedJobs(clock);
    refused.crashed(makeJob("/unlucky", "t"));
    refused.survived(makeJob("/unlucky", "t"));
    expect(refused.crashed(makeJob("/unlucky", "t"))).toBe(false);
    clock.now = DEADLINES.imageRefusedMs;
    expect(refused.crashed(makeJob("/unlucky", "t"))).toBe(false);
    expect(refused.crashed(makeJob("/unlucky", "t"))).toBe(true);
  });
});
