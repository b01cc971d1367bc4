/** What load threads count, in shared memory: each writes a row of its own, main adds them up. */

import { SOURCES } from "../demo/cache-status.ts";
import { LATENCY_SLOTS } from "./latencies.ts";

/** How a request can fail without an answer that is whole. */
export const ERROR_KINDS = [
  /** No connection, or none in time. */
  "connect",
  /** Cut before the head of the answer was whole. */
  "reset",
  /** Not whole in time. */
  "timeout",
  /** Cut in the body. */
  "short",
  /** No HTTP. */
  "broken",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

const FIELDS = [
  /** Answers and failures of the whole run, the ramp included; for the live line. */
  "ended",
  "endedBytes",
  /** All further ones without the ramp. */
  "sent",
  /** Whole answers as they were wanted: 2xx, 304, or 404 for an id that nobody has. */
  "good",
  /** Of them, 404 for an id that nobody has. */
  "missing",
  "bodyBytes",
  "latencySumMs",
  "latencyMaxMs",
  /** Sent more than `lateMs` after they were due. */
  "late",
  /** Due and never sent. */
  "unsent",
  /** Milliseconds from the end of the ramp to the last answer. */
  "lastMs",
] as const;
type Field = (typeof FIELDS)[number];

/** Numbers of sources; the last is an answer whose `Cache-Status` is missing or not understood. */
export const SOURCE_NAMES = [...SOURCES, "unknown"] as const;
export const HIT_SOURCE = SOURCE_NAMES.indexOf("hit");
export const UNKNOWN_SOURCE = SOURCE_NAMES.indexOf("unknown");

const STATUSES = 600;
const SOURCES_AT = FIELDS.length;
const ERRORS_AT = SOURCES_AT + SOURCE_NAMES.length;
const STATUSES_AT = ERRORS_AT + ERROR_KINDS.length;
const WORDS = STATUSES_AT + STATUSES;
const LATENCY_KINDS = ["all", "hits", "lateness"] as const;
const WORDS_BYTES = WORDS * 8;
const ROW_BYTES = Math.ceil((WORDS_BYTES + LATENCY_KINDS.length * LATENCY_SLOTS * 4) / 64) * 64;

/** Places in `words`. */
export const AT = Object.fromEntries(FIELDS.map((field, i) => [field, i])) as Readonly<
  Record<Field, number>
>;

export interface Tally {
  readonly words: Float64Array;
  /** Of good answers, and of requests that were given up. */
  readonly all: Uint32Array;
  readonly hits: Uint32Array;
  /** From when a request was due to when it was sent. */
  readonly lateness: Uint32Array;
}

export function createTallyMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * ROW_BYTES);
}

/** Only its own thread writes a row, so no atomics are needed. */
export function openTally(memory: SharedArrayBuffer, row: number): Tally {
  const at = row * ROW_BYTES;
  const slots = (kind: number): Uint32Array =>
    new Uint32Array(memory, at + WORDS_BYTES + kind * LATENCY_SLOTS * 4, LATENCY_SLOTS);
  return {
    words: new Float64Array(memory, at, WORDS),
    all: slots(0),
    hits: slots(1),
    lateness: slots(2),
  };
}

export function addTo(tally: Tally, place: number, amount: number): void {
  tally.words[place] = (tally.words[place] ?? 0) + amount;
}

export const sourcePlace = (source: number): number => SOURCES_AT + source;
export const errorPlace = (kind: ErrorKind): number => ERRORS_AT + ERROR_KINDS.indexOf(kind);
export const statusPlace = (status: number): number => STATUSES_AT + status;

export interface Totals extends Readonly<Record<Field, number>> {
  readonly sources: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<ErrorKind, number>>;
  /** By status; only those that came. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly all: Uint32Array;
  readonly hits: Uint32Array;
  readonly lateness: Uint32Array;
}

export function sumTallies(tallies: readonly Tally[]): Totals {
  const sum = (place: number): number =>
    tallies.reduce((total, { words }) => total + (words[place] ?? 0), 0);
  const most = (place: number): number =>
    tallies.reduce((max, { words }) => Math.max(max, words[place] ?? 0), 0);
  const merged = (kind: (typeof LATENCY_KINDS)[number]): Uint32Array => {
    const counts = new Uint32Array(LATENCY_SLOTS);
    for (const tally of tallies) {
      for (let i = 0; i < LATENCY_SLOTS; i++) counts[i] = (counts[i] ?? 0) + (tally[kind][i] ?? 0);
    }
    return counts;
  };
  const fields = Object.fromEntries(FIELDS.map((field) => [field, sum(AT[field])]));
  const statuses = Array.from({ length: STATUSES }, (_, status) => [
    status,
    sum(statusPlace(status)),
  ]);
  return {
    ...(fields as Record<Field, number>),
    latencyMaxMs: most(AT.latencyMaxMs),
    lastMs: most(AT.lastMs),
    sources: Object.fromEntries(SOURCE_NAMES.map((name, i) => [name, sum(sourcePlace(i))])),
    errors: Object.fromEntries(ERROR_KINDS.map((kind) => [kind, sum(errorPlace(kind))])) as Record<
      ErrorKind,
      number
    >,
    statuses: Object.fromEntries(statuses.filter(([, count]) => count !== 0)),
    all: merged("all"),
    hits: merged("hits"),
    lateness: merged("lateness"),
  };
}
