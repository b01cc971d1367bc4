/** What the page knows: the last document, the rates since, and the last minutes of the mesh as a whole. */

import type { LatencyOutcome } from "../../observe/histogram.ts";
import type { MeshDocument, MeshServer } from "../mesh-document.ts";
import {
  followMesh,
  type Latency,
  type MeshRates,
  meanRates,
  type Rates,
  sumLatencies,
  sumRates,
} from "../mesh-rates.ts";

export interface View {
  readonly document: MeshDocument;
  readonly rates: MeshRates;
  /** By server, the last of them last: each of about a second. */
  readonly recent: ReadonlyMap<string, readonly Rates[]>;
  /** By server, over the last seconds: for figures that are read. */
  readonly calm: ReadonlyMap<string, Rates>;
  /** Oldest first. */
  readonly history: readonly Sample[];
}

/** The mesh as a whole, at one moment. */
export interface Sample {
  readonly at: number;
  readonly total: Rates;
  /** Of the level that clients ask. */
  readonly edge: Rates;
}

/** Seconds that charts show. */
export const HISTORY_SECONDS = 300;
/** Over so many of them latencies are taken, so that a few answers make no jumps; other figures over fewer. */
const LATENCY_RATES = 10;
const CALM_RATES = 3;

/** In the order in which they are stacked: the best first. */
export const OUTCOMES = [
  "hit",
  "peer",
  "upstream",
  "generated",
  "origin",
  "stand-in",
  "redirect",
  "refused",
  "failed",
] as const satisfies readonly LatencyOutcome[];

export function serversOf(document: MeshDocument): readonly MeshServer[] {
  return document.levels.flatMap(({ servers }) => servers);
}

export function nextView(before: View | undefined, document: MeshDocument): View {
  const rates = followMesh(before?.rates, document);
  const servers = serversOf(document);
  const recent = new Map(
    servers.map(({ name }) => {
      const now = rates.get(name);
      const known = now?.rates === undefined ? [] : (before?.recent.get(name) ?? []);
      const news = now === before?.rates.get(name) ? undefined : now?.rates;
      return [name, [...known, ...(news === undefined ? [] : [news])].slice(-LATENCY_RATES)];
    }),
  );
  const ratesOf = (some: readonly MeshServer[]): readonly Rates[] =>
    some.flatMap(({ name }) => rates.get(name)?.rates ?? []);
  const sample = {
    at: document.at,
    total: sumRates(ratesOf(servers)),
    edge: sumRates(ratesOf(document.levels[0]?.servers ?? [])),
  };
  const since = document.at - HISTORY_SECONDS;
  const kept = (before?.history ?? []).filter(({ at }) => at > since && at < document.at);
  const calm = new Map(
    [...recent]
      .filter(([, some]) => some.length > 0)
      .map(([name, some]) => [name, meanRates(some.slice(-CALM_RATES))]),
  );
  // of the first document nothing is known yet
  const history = before === undefined ? [] : [...kept, sample];
  return { document, rates, recent, calm, history };
}

/** Of several servers together over the last seconds. */
export function calmSum({ calm }: View, servers: readonly MeshServer[]): Rates {
  return sumRates(servers.flatMap(({ name }) => calm.get(name) ?? []));
}

/** Of one server, or of all of them, over the last seconds. */
export function latencyOf(view: View, server?: string): Latency {
  const names = server === undefined ? [...view.recent.keys()] : [server];
  const recent = names.flatMap((name) => view.recent.get(name) ?? []);
  return sumLatencies(recent.map(({ latency }) => latency));
}

/** Of the answers that brought a picture, those that the cache of the asked server had. */
export function ownShare(outcomes: Rates["outcomes"]): number | undefined {
  const good = OUTCOMES.filter((outcome) => outcome !== "refused" && outcome !== "failed");
  const all = good.reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), 0);
  return all === 0 ? undefined : (outcomes.hit ?? 0) / all;
}
