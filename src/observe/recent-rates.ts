/** What a node has done a second, over the last ten: read off its counters each second, so that who asks need not ask twice. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { CounterName } from "./counters.ts";

/** Of `/status`; all but `hitRatio` a second. */
export interface RecentRates {
  /** Of how many seconds they are; 0 at the very start, when nothing is known yet. */
  readonly seconds: number;
  /** Requests of clients. */
  readonly requests: number;
  /** Requests of other nodes. */
  readonly peerRequests: number;
  /** Part of the variants looked for that were in the cache; null where none was looked for. */
  readonly hitRatio: number | null;
  /** Body bytes from other nodes, the origin and uploads. */
  readonly bytesIn: number;
  /** Body bytes promised to clients and other nodes. */
  readonly bytesOut: number;
}

export const NO_RECENT_RATES: RecentRates = {
  seconds: 0,
  requests: 0,
  peerRequests: 0,
  hitRatio: null,
  bytesIn: 0,
  bytesOut: 0,
};

/** Samples that are kept: as many intervals of DEADLINES.rateTickMs, and the one they began with. */
const RATE_SAMPLES = 11;

interface Sample {
  readonly atMs: number;
  readonly counters: Readonly<Record<CounterName, number>>;
  /** Body bytes from other nodes. */
  readonly peerBytes: number;
}

/** Reads for as long as the process lives; `start` has `sample` called again and again. */
export function makeRecentRates(options: {
  readonly counters: () => Sample["counters"];
  readonly peerBytes: () => number;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly start?: (sample: () => void) => void;
}): () => RecentRates {
  const { clock, start = everySecond } = options;
  const look = (): Sample => ({
    atMs: clock.monotonicMs(),
    counters: options.counters(),
    peerBytes: options.peerBytes(),
  });
  const samples = [look()];
  start(() => {
    samples.push(look());
    if (samples.length > RATE_SAMPLES) samples.shift();
  });
  return () => ratesOf(samples[0] ?? look(), samples.at(-1) ?? look());
}

function ratesOf(from: Sample, to: Sample): RecentRates {
  const seconds = (to.atMs - from.atMs) / 1000;
  const grown = (...names: readonly CounterName[]): number =>
    names.reduce((sum, name) => sum + to.counters[name] - from.counters[name], 0);
  // what a peer that has left the mesh had brought is not counted any more
  const perSecond = (amount: number): number =>
    seconds > 0 ? Math.max(0, Math.round((amount / seconds) * 10) / 10) : 0;
  const hits = grown("lru_hit");
  const looked = hits + grown("lru_miss");
  return {
    seconds: Math.round(seconds * 10) / 10,
    requests: perSecond(grown("http_requests")),
    peerRequests: perSecond(grown("peer_request")),
    hitRatio: looked > 0 ? hits / looked : null,
    bytesIn: perSecond(grown("origin_bytes", "upload_bytes") + to.peerBytes - from.peerBytes),
    bytesOut: perSecond(grown("http_bytes", "peer_bytes")),
  };
}

function everySecond(sample: () => void): void {
  setInterval(sample, DEADLINES.rateTickMs).unref();
}
