/** What a load came to: its summary, how it reads, and how it compares with another. */

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { BENCH_LIMITS } from "../../../../src/cli/bench/bounds.ts";
import { compare, comparisonText, readBefore } from "../../../../src/cli/bench/compare.ts";
import { packIds } from "../../../../src/cli/bench/id-pack.ts";
import type { LoadPlan } from "../../../../src/cli/bench/plan.ts";
import { progressLine } from "../../../../src/cli/bench/progress.ts";
import { recordAnswer, recordFailure, recordSent } from "../../../../src/cli/bench/record.ts";
import type { LoadResult } from "../../../../src/cli/bench/run-load.ts";
import { SUMMARY, type Summary, summarize } from "../../../../src/cli/bench/summary.ts";
import { formatMs, summaryText } from "../../../../src/cli/bench/summary-text.ts";
import {
  AT,
  addTo,
  createTallyMemory,
  openTally,
  SOURCE_NAMES,
  sumTallies,
  type Tally,
  type Totals,
} from "../../../../src/cli/bench/tally.ts";
import { withComment } from "../../../../src/cli/bench/uploads.ts";
import { makePaint } from "../../../../src/cli/demo/paint.ts";
import { drawJpeg, pictureOf } from "../../../support/pictures.ts";
import { makeTempDir } from "../../../support/temp-dir.ts";

const PLAIN = makePaint(false);
const PLAN: LoadPlan = {
  groups: [{ target: { kind: "net", host: "h", port: 80 }, ids: packIds(["a", "b"]) }],
  prefix: "puddle",
  variants: [{ size: "sm", format: "jpg", weight: 1 }],
  ...{ zipf: 1, misses: 0, connections: 8, threads: 2, perSecond: 100, rampMs: 0 },
  ...{ durationMs: 10_000, count: undefined, answerMs: 1000, seed: 1 },
};

interface Answered {
  readonly ms: number;
  readonly status?: number;
  readonly source?: (typeof SOURCE_NAMES)[number];
  readonly missing?: boolean;
}

function answer(
  tally: Tally,
  { ms, status = 200, source = "hit", missing = false }: Answered,
): void {
  recordSent(tally, 0.01);
  const head = { status, source: SOURCE_NAMES.indexOf(source), bodyBytes: 1000 };
  const at = { nowMs: 500 + ms, measured: true, rampMs: 0 };
  recordAnswer(tally, { dueMs: 500, missing, answer: head }, at);
}

/** Of two threads. */
function totalsOf(fill: (first: Tally, second: Tally) => void): Totals {
  const memory = createTallyMemory(2);
  const [first, second] = [openTally(memory, 0), openTally(memory, 1)];
  fill(first, second);
  return sumTallies([first, second]);
}

function summaryOf(totals: Totals, change: Partial<LoadResult> = {}): Summary {
  const result = { totals, elapsedMs: 10_000, cpuMs: 4000, cpuWallMs: 10_000, stopped: false };
  return summarize({
    plan: PLAN,
    result: { ...result, ...change },
    uploads: undefined,
    at: new Date(0),
  });
}

/** A thousand answers around so many milliseconds. */
function steady(ms: number, change?: Partial<LoadResult>): Summary {
  const totals = totalsOf((first, second) => {
    for (let i = 0; i < 1000; i++)
      answer(i % 2 === 0 ? first : second, { ms: ms * (1 + i / 1000) });
  });
  return summaryOf(totals, change);
}

describe("a summary", () => {
  test("adds up what the threads have counted", () => {
    const totals = totalsOf((first, second) => {
      answer(first, { ms: 1 });
      answer(second, { ms: 3, source: "peer" });
      answer(second, { ms: 4, source: "unknown" });
      answer(first, { ms: 1, status: 404, missing: true });
      answer(first, { ms: 1, status: 404 });
      answer(first, { ms: 1, status: 503 });
      recordFailure(
        second,
        { dueMs: 0, missing: false, answer: { status: 0, source: -1, bodyBytes: 0 } },
        {
          kind: "timeout",
          nowMs: 1000,
        },
      );
      addTo(first, AT.unsent, 5);
    });
    const summary = summaryOf(totals);
    expect(v.parse(SUMMARY, JSON.parse(JSON.stringify(summary)))).toEqual(summary);
    expect(summary).toMatchObject({
      ...{ requests: 6, requestsPerSecond: 0.6, bytes: 6000, bytesPerSecond: 600 },
      // of the two that say what the node did
      hitRatio: 0.5,
      statuses: { "200": 3, "404": 2, "503": 1 },
      missing: 1,
      errors: { timeout: 1, "404": 1, "503": 1 },
      errorRatio: 3 / 7,
      unsent: 5,
      cpu: { seconds: 4, share: 0.2, generatorBound: false },
    });
    expect(summary.latencyMs.max).toBe(1000);
    expect(summary.latencyMs.p50).toBeCloseTo(3, 1);
    expect(summary.hitLatencyMs.p99).toBeCloseTo(1, 1);
    const text = summaryText(summary, PLAIN);
    expect(text).toContain("errors     43 %   404 1  503 1  timeout 1");
    expect(text).toContain("behind     5 due and never sent");
    expect(text).not.toContain("generator-bound");
  });

  test("says when it was the generator that was measured", () => {
    const bound = steady(1, { cpuMs: 18_100 });
    expect(bound.cpu.generatorBound).toBe(true);
    expect(summaryText(bound, PLAIN)).toContain("generator-bound: more --threads");
    expect(steady(1, { cpuMs: 17_900 }).cpu.generatorBound).toBe(false);
  });

  test("of nothing has no latencies", () => {
    const summary = summaryOf(totalsOf(() => undefined));
    expect(summary.latencyMs).toEqual({
      ...{ mean: null, p50: null, p90: null, p99: null, p999: null, p9999: null, max: null },
    });
    expect(summaryText(summary, PLAIN)).toContain("p50 –");
  });

  test("shows times with the figures that are known", () => {
    expect([0.0567, 1.234, 23.45, 123.4, 12_345].map(formatMs)).toEqual([
      ...["0.0567 ms", "1.23 ms", "23.4 ms", "123 ms", "12.3 s"],
    ]);
  });

  test("has a line for while it goes on", () => {
    const none = totalsOf(() => undefined);
    const totals = totalsOf((first) => {
      for (let i = 0; i < 100; i++) answer(first, { ms: 2, source: i < 75 ? "hit" : "peer" });
      answer(first, { ms: 2, status: 500 });
    });
    const line = progressLine({ atMs: 3000, totals }, { atMs: 1000, totals: none });
    expect(line).toStartWith("3 s  51 requests/s");
    expect(line).toEndWith("hits 75.0 %  errors 1");
  });
});

describe("a comparison", () => {
  const verdicts = (before: Summary, now: Summary, tolerance = 0.1): Record<string, string> =>
    Object.fromEntries(
      compare(before, now, { tolerance }).rows.map(({ name, verdict }) => [name, verdict]),
    );

  test("with itself finds nothing", () => {
    const { worse, differs } = compare(steady(1), steady(1), { tolerance: 0 });
    expect({ worse, differs }).toEqual({ worse: false, differs: [] });
  });

  test("calls worse what is worse by more than the tolerance, and only that", () => {
    expect(verdicts(steady(1), steady(1.2))).toMatchObject({
      ...{ p50: "worse", p90: "worse", p99: "worse", "p99.9": "shown", "requests/s": "same" },
    });
    expect(verdicts(steady(1), steady(1.2), 0.3)["p50"]).toBe("same");
    expect(verdicts(steady(1.2), steady(1))["p50"]).toBe("better");
    const slower = steady(1, { elapsedMs: 12_000 });
    expect(verdicts(steady(1), slower)["requests/s"]).toBe("worse");
    expect(compare(slower, steady(1), { tolerance: 0.1 }).worse).toBe(false);
  });

  test("leaves alone what is within a timer's reach", () => {
    expect(verdicts(steady(0.05), steady(0.07))["p50"]).toBe("same");
  });

  test("sees errors where there were none, and fewer hits", () => {
    const worse = summaryOf(
      totalsOf((first) => {
        for (let i = 0; i < 1000; i++) {
          answer(first, { ms: 1, status: i < 10 ? 503 : 200, source: i < 500 ? "hit" : "peer" });
        }
      }),
    );
    expect(verdicts(steady(1), worse)).toMatchObject({ errors: "worse", "hit ratio": "worse" });
  });

  test("tells in what the loads differ, and what may", () => {
    const other = { ...steady(1), load: { ...steady(1).load, seed: 2, threads: 5 } };
    const both = compare(steady(1), other, { tolerance: 0.1 });
    expect(comparisonText(both, PLAIN)).toContain("the two loads differ in: threads, seed");
    expect(compare(steady(1), other, { tolerance: 0.1, mayDiffer: ["seed"] }).differs).toEqual([
      "threads",
    ]);
    expect(comparisonText(both, PLAIN)).toEndWith("not worse than before");
  });

  test("is with a file of its kind, and of bounded length", () => {
    using dir = makeTempDir();
    const good = dir.write("good.json", JSON.stringify(steady(1)));
    expect(readBefore(good, SUMMARY)).toEqual(steady(1));
    const long = dir.write("long.json", " ".repeat(BENCH_LIMITS.summaryBytesMax + 1));
    expect(() => readBefore(long, SUMMARY)).toThrow("cannot be read as a summary");
    const other = dir.write("other.json", JSON.stringify({ ...steady(1), version: 2 }));
    expect(() => readBefore(other, SUMMARY)).toThrow("is not what the same mir bench");
  });
});

test("a picture with a comment is the same picture in other bytes", async () => {
  const jpeg = await drawJpeg({ width: 30, height: 20 });
  const first = withComment(jpeg, "bench 1");
  const second = withComment(jpeg, "bench 2");
  expect(first).not.toEqual(second);
  for (const bytes of [first, second]) {
    const { width, height, format } = await pictureOf(new Response(bytes));
    expect({ width, height, format }).toEqual({ width: 30, height: 20, format: "jpeg" });
  }
});
