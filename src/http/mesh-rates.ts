/** Rates and percentiles out of two documents of a mesh, for the dashboard and for terminals: pure functions without dependencies. */

import type { CounterName } from "../observe/counters.ts";
import type { LatencyOutcome } from "../observe/histogram.ts";
import type { MeshDocument } from "./mesh-document.ts";
import type { LatencyStatus, StatusDocument } from "./status-document.ts";

/** What went on at one node, or at several together, within about a second. */
export interface Rates {
  /** A second, by counter. */
  readonly counters: Readonly<Record<CounterName, number>>;
  /** Answers a second on public listeners, by how they ended. */
  readonly outcomes: Readonly<Partial<Record<LatencyOutcome, number>>>;
  readonly latency: Latency;
  /** What came from peers; of several nodes, to each of them. */
  readonly flows: readonly Flow[];
}

/** How many answers took so long, by bucket; one bucket more than there are bounds. */
export interface Latency {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
}

export interface Flow {
  readonly from: string;
  readonly answersPerSecond: number;
  readonly bytesPerSecond: number;
}

/** A status, and the Unix seconds at which it was told. */
export interface Moment {
  readonly status: StatusDocument;
  readonly at: number;
}

/** What is kept from one document to the next, by server; it has those that have told of themselves. */
export type MeshRates = ReadonlyMap<string, ServerRates>;

export interface ServerRates {
  readonly moment: Moment;
  /** undefined: it has told once so far, or has been restarted. */
  readonly rates: Rates | undefined;
}

export const NO_LATENCY: Latency = { boundsSeconds: [], counts: [] };

/** The rates as of another document; a server that has told nothing new since keeps those it had. */
export function followMesh(before: MeshRates | undefined, document: MeshDocument): MeshRates {
  const servers = document.levels.flatMap((level) => level.servers);
  return new Map(
    servers.flatMap(({ name, status, statusAt }): [string, ServerRates][] => {
      if (status === undefined || statusAt === undefined) return [];
      const known = before?.get(name);
      if (known?.moment.at === statusAt) return [[name, known]];
      const moment = { status, at: statusAt };
      return [[name, { moment, rates: known && ratesBetween(known.moment, moment) }]];
    }),
  );
}

/** undefined where the later one is of another run of the node, or no time has passed. */
export function ratesBetween(before: Moment, after: Moment): Rates | undefined {
  const seconds = after.at - before.at;
  const restarted = after.status.uptimeSeconds < before.status.uptimeSeconds;
  if (seconds <= 0 || restarted) return undefined;
  const perSecond = (now: number, then: number): number => Math.max(0, now - then) / seconds;
  const counters = Object.fromEntries(
    Object.entries(after.status.counters).map(([name, now]) => [
      name,
      perSecond(now, before.status.counters[name as CounterName] ?? now),
    ]),
  ) as Record<CounterName, number>;
  const then = new Map(before.status.peers.map((peer) => [peer.name, peer]));
  const flows = after.status.peers.map((peer) => {
    const { answers, bodyBytes } = then.get(peer.name) ?? peer;
    return {
      from: peer.name,
      answersPerSecond: perSecond(peer.answers, answers),
      bytesPerSecond: perSecond(peer.bodyBytes, bodyBytes),
    };
  });
  const took = tookBetween(before.status.latencies, after.status.latencies);
  const outcomes = Object.fromEntries(
    took.map(({ outcome, counts }) => [outcome, sum(counts) / seconds]),
  );
  const { boundsSeconds } = after.status.latencies;
  const latency = { boundsSeconds, counts: added(took.map(({ counts }) => counts)) };
  return { counters, outcomes, latency, flows };
}

/** Of several nodes together. */
export function sumRates(all: readonly Rates[]): Rates {
  const { counters, outcomes } = all.reduce<Pick<Rates, "counters" | "outcomes">>(
    (total, rates) => ({
      counters: addedByName(total.counters, rates.counters),
      outcomes: addedByName(total.outcomes, rates.outcomes),
    }),
    { counters: {} as Record<CounterName, number>, outcomes: {} },
  );
  const latency = sumLatencies(all.map((rates) => rates.latency));
  return { counters, outcomes, latency, flows: all.flatMap(({ flows }) => flows) };
}

/** Of one node over a longer time: rates are their mean, what took how long adds up. */
export function meanRates(all: readonly Rates[]): Rates {
  const { counters, outcomes, latency, flows } = sumRates(all);
  const part = 1 / Math.max(1, all.length);
  const bySource = Map.groupBy(flows, ({ from }) => from);
  return {
    counters: scaled(counters, part),
    outcomes: scaled(outcomes, part),
    latency,
    flows: [...bySource].map(([from, some]) => ({
      from,
      answersPerSecond: sum(some.map((flow) => flow.answersPerSecond)) * part,
      bytesPerSecond: sum(some.map((flow) => flow.bytesPerSecond)) * part,
    })),
  };
}

/** Of several nodes, or of one over a longer time. */
export function sumLatencies(all: readonly Latency[]): Latency {
  const told = all.filter(({ counts }) => counts.length > 0);
  // nodes of another version may have other buckets: those of most are what is shown
  const [first] = told;
  if (first === undefined) return NO_LATENCY;
  const alike = told.filter(({ counts }) => counts.length === first.counts.length);
  return {
    boundsSeconds: first.boundsSeconds,
    counts: added(alike.map(({ counts }) => counts)),
  };
}

/**
 * Seconds within which the part `share` (0 to 1) of the answers began, evenly spread within a bucket. Infinity: longer
 * than the last bound. undefined: there were none.
 */
export function percentile({ boundsSeconds, counts }: Latency, share: number): number | undefined {
  const total = sum(counts);
  if (total === 0) return undefined;
  let below = 0;
  for (const [i, count] of counts.entries()) {
    if (count > 0 && below + count >= total * share) {
      const upper = boundsSeconds[i] ?? Number.POSITIVE_INFINITY;
      const lower = boundsSeconds[i - 1] ?? 0;
      const within = (total * share - below) / count;
      return upper === Number.POSITIVE_INFINITY ? upper : lower + (upper - lower) * within;
    }
    below += count;
  }
  return undefined;
}

/** Part of the lookups in a cache that found what they looked for; undefined where there were none. */
export function hitRatio(counters: Rates["counters"]): number | undefined {
  const { lru_hit: hits = 0, lru_miss: misses = 0 } = counters;
  return hits + misses === 0 ? undefined : hits / (hits + misses);
}

function tookBetween(
  before: LatencyStatus,
  after: LatencyStatus,
): readonly { readonly outcome: LatencyOutcome; readonly counts: readonly number[] }[] {
  const then = new Map(before.outcomes.map(({ outcome, counts }) => [outcome, counts]));
  return after.outcomes.map(({ outcome, counts }) => ({
    outcome,
    counts: counts.map((count, i) => Math.max(0, count - (then.get(outcome)?.[i] ?? 0))),
  }));
}

/** Position by position. */
function added(rows: readonly (readonly number[])[]): readonly number[] {
  const length = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length }, (_, i) => sum(rows.map((row) => row[i] ?? 0)));
}

function addedByName<N extends Record<string, number>>(a: N, b: N): N {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((n) => [n, (a[n] ?? 0) + (b[n] ?? 0)])) as N;
}

function scaled<N extends Record<string, number>>(figures: N, factor: number): N {
  return Object.fromEntries(Object.entries(figures).map(([n, value]) => [n, value * factor])) as N;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
