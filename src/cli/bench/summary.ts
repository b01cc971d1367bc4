/** What a load came to, as `--json` has it and `--compare` reads it. */

import * as v from "valibot";
import { type IdPack, isWholePath } from "./id-pack.ts";
import { latencyBars, percentileMs } from "./latencies.ts";
import { type LoadPlan, nameOf } from "./plan.ts";
import type { LoadResult } from "./run-load.ts";
import type { Totals } from "./tally.ts";
import type { UploadResult } from "./uploads.ts";

/** Goes up when a key of the summary changes its meaning. */
const VERSION = 1;
/** Of the processor time that its threads could have: over this, what was measured is the generator. */
const BOUND_SHARE = 0.9;

const number = v.nullable(v.number());
const counts = v.record(v.string(), v.number());

/** Latencies are null where nothing was answered. */
export const SUMMARY = v.object({
  version: v.literal(VERSION),
  at: v.string(),
  /** What was asked for, and how; two runs are compared when it is the same. */
  load: v.object({
    targets: v.array(v.string()),
    ids: v.number(),
    loop: v.picklist(["open", "closed"]),
    perSecond: number,
    connections: v.number(),
    threads: v.number(),
    zipf: v.number(),
    misses: v.number(),
    variants: counts,
    rampMs: v.number(),
    seed: v.number(),
    uploadsPerSecond: v.number(),
  }),
  stopped: v.boolean(),
  seconds: v.number(),
  requests: v.number(),
  requestsPerSecond: v.number(),
  bytes: v.number(),
  bytesPerSecond: v.number(),
  latencyMs: v.object({
    ...{ mean: number, p50: number, p90: number, p99: number },
    ...{ p999: number, p9999: number, max: number },
  }),
  /** Of hits alone. */
  hitLatencyMs: v.object({ p50: number, p99: number }),
  /** Of the pictures that came, how many the asked node had; null when none says so. */
  hitRatio: number,
  sources: counts,
  statuses: counts,
  /** Answers for ids nobody has, as they should be: 404. */
  missing: v.number(),
  /** By kind: no whole answer, or one with a status that was not wanted. */
  errors: counts,
  errorRatio: v.number(),
  /** Sent more than 10 ms after they were due; due and never sent. */
  late: v.number(),
  unsent: v.number(),
  latenessMs: v.object({ p50: number, p99: number }),
  cpu: v.object({
    seconds: v.number(),
    microsecondsARequest: number,
    /** Of what all its threads could have. */
    share: v.number(),
    generatorBound: v.boolean(),
  }),
  /** Upper end of each bar, and how many lie in it. */
  histogram: v.array(v.object({ ms: v.number(), count: v.number() })),
  uploads: v.nullable(
    v.object({
      done: v.number(),
      failed: counts,
      latencyMs: v.object({ p50: number, p99: number, max: number }),
      bytes: v.number(),
    }),
  ),
});
export type Summary = v.InferOutput<typeof SUMMARY>;

export function summarize(options: {
  readonly plan: LoadPlan;
  readonly result: LoadResult;
  readonly uploads: UploadResult | undefined;
  readonly at: Date;
}): Summary {
  const { plan, result, uploads, at } = options;
  const { totals, elapsedMs, cpuMs, cpuWallMs, stopped } = result;
  const seconds = elapsedMs / 1000;
  const answers = sumOf(totals.statuses);
  const errors = errorsOf(totals);
  const failed = sumOf(errors);
  const seen = sumOf(totals.sources);
  const told = seen - (totals.sources["unknown"] ?? 0);
  const share = cpuWallMs > 0 ? cpuMs / cpuWallMs / plan.threads : 0;
  const at_ = (counts: Uint32Array, p: number): number | null => finite(percentileMs(counts, p));
  return {
    version: VERSION,
    at: at.toISOString(),
    load: loadOf(plan, uploads?.perSecond ?? 0),
    stopped,
    seconds,
    requests: answers,
    requestsPerSecond: perSecond(answers, seconds),
    bytes: totals.bodyBytes,
    bytesPerSecond: perSecond(totals.bodyBytes, seconds),
    latencyMs: {
      mean: finite(totals.latencySumMs / (totals.good + totals.errors.timeout)),
      ...{ p50: at_(totals.all, 0.5), p90: at_(totals.all, 0.9), p99: at_(totals.all, 0.99) },
      ...{ p999: at_(totals.all, 0.999), p9999: at_(totals.all, 0.9999) },
      max: totals.latencyMaxMs > 0 ? totals.latencyMaxMs : null,
    },
    hitLatencyMs: { p50: at_(totals.hits, 0.5), p99: at_(totals.hits, 0.99) },
    hitRatio: told === 0 ? null : (totals.sources["hit"] ?? 0) / told,
    sources: totals.sources,
    statuses: totals.statuses,
    missing: totals.missing,
    errors,
    errorRatio: failed === 0 ? 0 : failed / (failed + totals.good),
    late: totals.late,
    unsent: totals.unsent,
    latenessMs: { p50: at_(totals.lateness, 0.5), p99: at_(totals.lateness, 0.99) },
    cpu: {
      seconds: cpuMs / 1000,
      microsecondsARequest: finite((cpuMs * 1000) / answers),
      share,
      generatorBound: share > BOUND_SHARE,
    },
    histogram: latencyBars(totals.all).map((bar) => ({ ...bar })),
    uploads: uploads === undefined ? null : uploadsOf(uploads),
  };
}

function loadOf(plan: LoadPlan, uploadsPerSecond: number): Summary["load"] {
  const { groups, variants, connections, threads, zipf, misses, rampMs, seed } = plan;
  return {
    targets: groups.map(({ target }) => nameOf(target)),
    ids: Math.max(...groups.map(({ ids }) => ids.ends.length)),
    loop: plan.perSecond === undefined ? "closed" : "open",
    perSecond: plan.perSecond ?? null,
    ...{ connections, threads, zipf, misses, rampMs, seed, uploadsPerSecond },
    variants: groups.every(({ ids }) => isAllPaths(ids))
      ? {}
      : Object.fromEntries(variants.map((v) => [`${v.size}.${v.format}`, v.weight])),
  };
}

/** Then sizes and formats decide nothing. */
function isAllPaths(ids: IdPack): boolean {
  return ids.ends.every((_, n) => isWholePath(ids, n));
}

/** Kinds and statuses that came at all; a 404 that was wanted is none. */
export function errorsOf({ errors, statuses, missing }: Totals): Record<string, number> {
  const byStatus = Object.entries(statuses)
    .map(([status, count]) => [status, status === "404" ? count - missing : count] as const)
    .filter(([status]) => !/^2|^304$/.test(status));
  const all = [...Object.entries(errors), ...byStatus];
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

function uploadsOf(uploads: UploadResult): Summary["uploads"] {
  const { done, failed, bytes, latencies, maxMs } = uploads;
  const latencyMs = {
    p50: finite(percentileMs(latencies, 0.5)),
    p99: finite(percentileMs(latencies, 0.99)),
    max: done === 0 ? null : maxMs,
  };
  return { done, failed: { ...failed }, bytes, latencyMs };
}

function sumOf(counted: Readonly<Record<string, number>>): number {
  return Object.values(counted).reduce((sum, count) => sum + count, 0);
}

function perSecond(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
