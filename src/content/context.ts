/** What one request may still spend: time and hops (design decision 10). */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Demand } from "../image/demand.ts";
import type { Trace } from "../observe/trace.ts";
import { hash32 } from "../wire/xxhash.ts";
import type { FillStory } from "./why/fills.ts";

export interface Context {
  /** Monotonic milliseconds of the node's clock at which the answer must have begun. */
  readonly deadlineAt: number;
  /** Nodes passed before this one. */
  readonly hops: number;
  /** The extension the resolver gave for the original, handed down so that nobody has to guess. */
  readonly originalExt: string | undefined;
  /** A peer of this level has just been too slow with it: none of them is asked again. */
  readonly pastPeers?: boolean;
  /** A larger variant will do for whoever asks, marked as such (spec §6). */
  readonly standIns?: boolean;
  /** Nobody waits for it: it is made for later. */
  readonly later?: boolean;
  /** Aborted when whoever asks has gone; asked for only where there is something to wait for. */
  readonly signal?: (() => AbortSignal) | undefined;
  /** Who waits for the load that this is part of. */
  readonly askers?: AskersOf | undefined;
  /** What is written down of the load that this is part of, for `mir why`. */
  readonly story?: FillStory | undefined;
  /** Tags of the nodes passed before this one, the first of them first. */
  readonly trace: string;
  /** Of the request that this is done for; undefined: for none. */
  readonly tracing?: Trace | undefined;
}

/** Looks after those who wait for a load while its image job waits; to be disposed when that has ended. */
export type AskersOf = () => Disposable & Pick<Demand, "gone" | "hurry">;

export function startContext(
  clock: Clock,
  options: Partial<Context> & { budgetMs?: number } = {},
): Context {
  const { standIns = false, later = false, signal, tracing } = options;
  return {
    deadlineAt: clock.monotonicMs() + (options.budgetMs ?? DEADLINES.requestMs),
    hops: options.hops ?? 0,
    originalExt: options.originalExt,
    trace: options.trace ?? "",
    standIns,
    later,
    signal,
    tracing,
  };
}

/** The trace to hand on from this node. */
export function traceWith(context: Context, self: string): string {
  return context.trace === "" ? tagOf(self) : `${context.trace}.${tagOf(self)}`;
}

/**
 * Throws `peer_failed` for a request that this node is already working on: two topologies disagree about what lies
 * below what. Whoever asked goes on with the next node it knows. Hops and deadlines bound what this does not see.
 */
export function refuseLoop({ trace }: Context, self: string): void {
  if (!trace.split(".").includes(tagOf(self))) return;
  throw new Fault("peer_failed", "the request comes from here; two topologies disagree");
}

/** Nearly always that of this node. */
let lastTag = { name: "", tag: "" };

function tagOf(name: string): string {
  if (lastTag.name !== name) {
    lastTag = { name, tag: hash32(name, 0).toString(16).padStart(8, "0") };
  }
  return lastTag.tag;
}

/** For finding somebody who goes on with an answer that began in time and broke off. */
export function failoverContext(clock: Clock, context: Context): Context {
  return startContext(clock, { ...context, budgetMs: DEADLINES.bodyFailoverMs });
}

/** Milliseconds left; a Fault `too_slow` when there are none. */
export function remainingMs(context: Context, clock: Clock): number {
  const left = context.deadlineAt - clock.monotonicMs();
  if (left <= 0) throw new Fault("too_slow", "the answer did not begin in time");
  return left;
}

/** Milliseconds a node below may take, a margin less than what is left here, so that it gives up first. */
export function budgetBelowMs(context: Context, clock: Clock): number {
  if (context.hops >= LIMITS.hopsMax) {
    throw new Fault("no_origin", "the request has passed too many nodes; two topologies disagree");
  }
  const left = remainingMs(context, clock) - DEADLINES.hopMarginMs;
  if (left < DEADLINES.hopLeastMs) throw new Fault("too_slow", "no time left to ask another node");
  return left;
}

/** Rejects with `too_slow` at the context's deadline; the work itself is bounded by its own waits. */
export async function withinDeadline<T>(
  context: Context,
  clock: Clock,
  work: Promise<T>,
): Promise<T> {
  // nobody hears how it ends when there is no time left for it
  work.catch(() => undefined);
  const left = remainingMs(context, clock);
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Fault("too_slow", "the answer did not begin in time")),
      left,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
