/** How long answers took, by how they ended, in shared memory: one row a thread, as with counters. */

import type { MetricKind } from "./metric.ts";

export const HISTOGRAMS = {
  http_request_seconds: {
    help: "Seconds from a request to the start of its answer, by how it ended",
    action: "slow hits: see thread_lag_seconds; slow others: see the slow-request log",
    unit: "seconds",
  },
} as const satisfies Record<string, MetricKind>;

/** How a request ended: where its bytes came from, else whose fault it was. */
export const LATENCY_OUTCOMES = [
  "hit",
  "peer",
  "generated",
  "upstream",
  "origin",
  "stand-in",
  /** The client was sent on to the owner. */
  "redirect",
  /** 4xx: the request was at fault. */
  "refused",
  /** 5xx: this node, or one below, was. */
  "failed",
] as const;
export type LatencyOutcome = (typeof LATENCY_OUTCOMES)[number];

/**
 * Upper ends in seconds, three a decade; what is slower falls into one more, `+Inf`. From where hits in memory are, as
 * they are to be told apart from those on disk.
 */
export const LATENCY_BUCKETS = [
  ...[0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005],
  ...[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
] as const;

export interface Histogram {
  /** From the request's arrival to its answer being handed to the network; bodies may take longer. */
  observe(outcome: LatencyOutcome, seconds: number): void;
}

/** Sums over all threads of one outcome. */
export interface LatencySums {
  readonly outcome: LatencyOutcome;
  /** How many fell into each bucket alone, `+Inf` last. */
  readonly counts: readonly number[];
  readonly seconds: number;
}

/** Per outcome: a word a bucket, one for `+Inf`, one for the sum. */
const WORDS_PER_OUTCOME = LATENCY_BUCKETS.length + 2;
const SUM_AT = LATENCY_BUCKETS.length + 1;
/** Whole cache lines of 8 words, so that threads do not write to the same one. */
const WORDS_PER_ROW = Math.ceil((LATENCY_OUTCOMES.length * WORDS_PER_OUTCOME) / 8) * 8;
const POSITION: ReadonlyMap<LatencyOutcome, number> = new Map(
  LATENCY_OUTCOMES.map((outcome, i) => [outcome, i * WORDS_PER_OUTCOME]),
);

/** Shared memory for `rows` threads. */
export function createHistogramMemory(rows: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rows * WORDS_PER_ROW * 8);
}

/** Row 0 is main's, row n belongs to worker n; only its own thread may write it, so no atomics are needed. */
export function openHistogram(memory: SharedArrayBuffer, row: number): Histogram {
  const words = new Float64Array(memory, row * WORDS_PER_ROW * 8, WORDS_PER_ROW);
  const add = (at: number, amount: number): void => {
    words[at] = (words[at] ?? 0) + amount;
  };
  return {
    observe(outcome, seconds) {
      const base = POSITION.get(outcome) ?? 0;
      // a clock that went wrong may not take the sum with it
      const took = Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
      add(base + bucketOf(took), 1);
      add(base + SUM_AT, took);
    },
  };
}

/** Each word may lag by the observations under way. */
export function readLatencies(memory: SharedArrayBuffer): readonly LatencySums[] {
  const words = new Float64Array(memory);
  const sumAt = (position: number): number => {
    let sum = 0;
    for (let row = 0; row < words.length; row += WORDS_PER_ROW) sum += words[row + position] ?? 0;
    return sum;
  };
  return LATENCY_OUTCOMES.map((outcome) => {
    const base = POSITION.get(outcome) ?? 0;
    const counts = Array.from({ length: SUM_AT }, (_, i) => sumAt(base + i));
    return { outcome, counts, seconds: sumAt(base + SUM_AT) };
  });
}

/** `le` is "less or equal"; most answers fall into the first few. */
function bucketOf(seconds: number): number {
  let at = 0;
  while (at < LATENCY_BUCKETS.length && seconds > (LATENCY_BUCKETS[at] ?? 0)) at++;
  return at;
}
