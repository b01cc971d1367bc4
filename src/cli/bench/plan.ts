/** What a load is to be, as the command line has it, and each thread's part of it. */

import type { IdPack } from "./id-pack.ts";

/** A listener that is asked. */
export type Target =
  | { readonly kind: "net"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Connections of a group go to one listener, which is asked for these ids. */
export interface Group {
  readonly target: Target;
  readonly ids: IdPack;
}

export interface Variant {
  readonly size: string;
  readonly format: string;
  readonly weight: number;
}

export interface LoadPlan {
  readonly groups: readonly Group[];
  /** First segment of picture URLs. */
  readonly prefix: string;
  readonly variants: readonly Variant[];
  readonly zipf: number;
  /** Share of the requests that ask for an id nobody has. */
  readonly misses: number;
  readonly connections: number;
  readonly threads: number;
  /** undefined: a closed loop, every connection asks again as soon as it has its answer. */
  readonly perSecond: number | undefined;
  readonly rampMs: number;
  /** After the ramp; exactly one of the two is there. */
  readonly durationMs: number | undefined;
  readonly count: number | undefined;
  /** A request that is not answered within this is given up. */
  readonly answerMs: number;
  readonly seed: number;
}

export interface ThreadPlan extends LoadPlan {
  /** Connections of threads before this one: they go from group to group over all threads. */
  readonly connectionsBefore: number;
}

/** The part of thread `n` of `plan.threads`: what is not divisible falls to the first ones. */
export function partOf(plan: LoadPlan, n: number): ThreadPlan {
  const { threads, connections, perSecond, count, seed } = plan;
  const share = (whole: number): number =>
    Math.floor(whole / threads) + (n < whole % threads ? 1 : 0);
  return {
    ...plan,
    connections: share(connections),
    connectionsBefore: Math.floor(connections / threads) * n + Math.min(n, connections % threads),
    perSecond: perSecond === undefined ? undefined : perSecond / threads,
    count: count === undefined ? undefined : share(count),
    // far apart, so that threads do not ask for the same things at the same time
    seed: (seed + n * 0x9e3779b9) >>> 0,
  };
}

/** `host:port` as in `Host`. */
export function authorityOf(target: Target): string {
  if (target.kind === "unix") return "mir";
  const { host, port } = target;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function nameOf(target: Target): string {
  return target.kind === "unix" ? `unix:${target.path}` : `http://${authorityOf(target)}`;
}
