/** One request over all nodes that work on it: its W3C trace context, and where its time went. */

import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";

/** What a node spends time on, as `Server-Timing` and the log name it. */
export type SpanName =
  /** From the question to the beginning of the answer. */
  | "total"
  /** The content resolution API. */
  | "resolve"
  /** Another server of the level: its answer, and a small body. */
  | "peer"
  | "body"
  /** A disk of the level, before or beside its owner. */
  | "probe"
  /** A server of the next level. */
  | "upstream"
  /** The store: until the first bytes of an original. */
  | "origin"
  /** The original on its way to this disk, all of it. */
  | "original"
  /** Somebody else's load of the same. */
  | "joined"
  /** Waiting for an image worker, and its work. */
  | "queue"
  | "generate"
  /** An image worker looking at an original. */
  | "facts";

export interface Span {
  /** Of this node one of `SpanName`; others may have further ones. */
  readonly name: string;
  readonly ms: number;
  /** The node that measured it. */
  readonly at: string;
  /** Nodes between that one and the one that tells: 0 is the teller itself. */
  readonly hop: number;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header: version, trace-id, parent-id, trace-flags. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_PARENT = "0".repeat(16);
const SAMPLED = 1;

export interface TraceContext {
  readonly id: string;
  readonly parent: string;
  readonly sampled: boolean;
}

/** undefined for what is not valid: then it is as if there were none (§3.2.2). Later versions may say more behind. */
export function parseTraceparent(text: string | null | undefined): TraceContext | undefined {
  // nearly always
  if (text === null || text === undefined) return undefined;
  const [, version, id = "", parent = "", flags = "", more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) {
    return undefined;
  }
  if (id === NO_TRACE || parent === NO_PARENT) return undefined;
  return { id, parent, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

export interface TraceOptions {
  readonly from?: TraceContext | undefined;
  /** The node that works on it. */
  readonly at: string;
  readonly clock: Clock;
  /** Of that clock; default now. */
  readonly startedMs?: number;
  /** A line of the access log is written for it, here and below. */
  readonly picked?: boolean;
  /** Where the time went is to be told, below too. */
  readonly timed?: boolean;
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number;
}

/** A node's part of it. Made only where something is waited for: hits have none. */
export class Trace {
  readonly id: string;
  /** The part of whoever asked; "" where the trace begins here. */
  readonly parent: string;
  /** Somebody before has chosen it to be looked at. */
  readonly sampled: boolean;
  readonly picked: boolean;
  readonly timed: boolean;
  readonly at: string;
  readonly clock: Clock;
  readonly #startedMs: number;
  /** The node that gave the answer, where another one did. */
  from: string | undefined;
  readonly #spans: Span[] = [];
  readonly #random: () => number;
  #part: string | undefined;

  constructor(options: TraceOptions) {
    const { from, at, clock, picked = false, timed = false, random = Math.random } = options;
    this.#random = random;
    this.id = from?.id ?? hexOf(random, 32);
    this.parent = from?.parent ?? "";
    this.sampled = from?.sampled ?? false;
    this.picked = picked;
    this.timed = timed;
    this.at = at;
    this.clock = clock;
    this.#startedMs = options.startedMs ?? clock.monotonicMs();
  }

  /** Of this node: the parent of what it asks of others. */
  get part(): string {
    this.#part ??= hexOf(this.#random, 16);
    return this.#part;
  }

  /** For whoever is asked next. */
  get traceparent(): string {
    const flags = this.picked || this.sampled ? "01" : "00";
    return `00-${this.id}-${this.part}-${flags}`;
  }

  add(name: SpanName, ms: number): void {
    this.#keep({ name, ms, at: this.at, hop: 0 });
  }

  /** Spans that the node told which was asked. */
  take(below: readonly Span[]): void {
    for (const span of below) this.#keep({ ...span, hop: span.hop + 1 });
  }

  /** `total` first. */
  spans(): readonly Span[] {
    const ms = this.clock.monotonicMs() - this.#startedMs;
    return [{ name: "total", ms, at: this.at, hop: 0 }, ...this.#spans];
  }

  #keep(span: Span): void {
    // one is kept for the total
    if (this.#spans.length < LIMITS.traceSpansMax - 1) this.#spans.push(span);
  }
}

/** The work, and how long it took, however it ended. */
export function spanOf<T>(
  trace: Trace | undefined,
  name: SpanName,
  work: () => Promise<T>,
): Promise<T> {
  return trace === undefined ? work() : timed(trace, name, work);
}

async function timed<T>(trace: Trace, name: SpanName, work: () => Promise<T>): Promise<T> {
  const { clock } = trace;
  const startedMs = clock.monotonicMs();
  try {
    return await work();
  } finally {
    trace.add(name, clock.monotonicMs() - startedMs);
  }
}

/** What a line of the log says of it. */
export function traceFields(trace: Trace | undefined): Readonly<Record<string, string>> {
  if (trace === undefined) return {};
  const { id, part, parent } = trace;
  return { trace: id, span: part, ...(parent === "" ? {} : { parent }) };
}

/** The same of a peer's question. */
export function traceIdOf(traceparent: string | undefined): { readonly trace?: string } {
  const context = parseTraceparent(traceparent);
  return context === undefined ? {} : { trace: context.id };
}

/** Not all zeros but for one in 2^64 and more, which is no valid id. */
function hexOf(random: () => number, digits: number): string {
  let text = "";
  while (text.length < digits) {
    text += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  }
  return /^0+$/.test(text) ? text.replace(/0$/, "1") : text;
}
