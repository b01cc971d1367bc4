/** What is counted of a request: when it was sent, how it was answered, or how it failed. */

import { BENCH_WAITS } from "./bounds.ts";
import { slotOf } from "./latencies.ts";
import {
  AT,
  addTo,
  type ErrorKind,
  errorPlace,
  HIT_SOURCE,
  sourcePlace,
  statusPlace,
  type Tally,
  UNKNOWN_SOURCE,
} from "./tally.ts";

/** Of a connection whose request has ended. */
export interface Asked {
  readonly dueMs: number;
  readonly missing: boolean;
  readonly answer: { readonly status: number; readonly source: number; readonly bodyBytes: number };
}

export function recordSent(tally: Tally, lateMs: number): void {
  addTo(tally, AT.sent, 1);
  if (lateMs > BENCH_WAITS.lateMs) addTo(tally, AT.late, 1);
  countSlot(tally.lateness, lateMs);
}

/** The latency counts from when the request was due, not from when it could be sent. */
export function recordAnswer(
  tally: Tally,
  asked: Asked,
  at: { readonly nowMs: number; readonly measured: boolean; readonly rampMs: number },
): void {
  addTo(tally, AT.ended, 1);
  if (!at.measured) return;
  const { words } = tally;
  const { status, source, bodyBytes } = asked.answer;
  addTo(tally, statusPlace(status), 1);
  addTo(tally, AT.bodyBytes, bodyBytes);
  words[AT.lastMs] = at.nowMs - at.rampMs;
  if (!isGood(asked)) return;
  addTo(tally, AT.good, 1);
  if (asked.missing) addTo(tally, AT.missing, 1);
  else addTo(tally, sourcePlace(source < 0 ? UNKNOWN_SOURCE : source), 1);
  const latencyMs = at.nowMs - asked.dueMs;
  countLatency(tally, latencyMs);
  if (source === HIT_SOURCE) countSlot(tally.hits, latencyMs);
}

/** One that was given up has taken at least as long as it was waited for, and counts as that. */
export function recordFailure(
  tally: Tally,
  asked: Asked,
  { kind, nowMs }: { readonly kind: ErrorKind; readonly nowMs: number },
): void {
  addTo(tally, AT.ended, 1);
  addTo(tally, errorPlace(kind), 1);
  if (kind === "timeout") countLatency(tally, nowMs - asked.dueMs);
}

function isGood({ answer: { status }, missing }: Asked): boolean {
  if (missing) return status === 404;
  return (status >= 200 && status < 300) || status === 304;
}

function countLatency(tally: Tally, ms: number): void {
  addTo(tally, AT.latencySumMs, ms);
  if (ms > (tally.words[AT.latencyMaxMs] ?? 0)) tally.words[AT.latencyMaxMs] = ms;
  countSlot(tally.all, ms);
}

function countSlot(counts: Uint32Array, ms: number): void {
  const slot = slotOf(ms);
  counts[slot] = (counts[slot] ?? 0) + 1;
}
