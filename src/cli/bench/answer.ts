/**
 * Follows an HTTP/1.1 answer to its end as its bytes come, keeping none of its body (RFC 9112 §6). Written for the
 * hot path (bench/versus/generator.ts): one object a connection.
 */

import { type AnswerHead, NO_HTTP, readHead, type SourceOf } from "./answer-head.ts";
import { BENCH_LIMITS } from "./bounds.ts";

export const PHASE = {
  head: 0,
  body: 1,
  untilClose: 2,
  chunkLine: 3,
  chunkBody: 4,
  chunkEnd: 5,
  trailer: 6,
  /** From here on nothing more is taken. */
  whole: 7,
  broken: 8,
} as const;

export interface AnswerState extends AnswerHead {
  phase: number;
  /** Of the body so far. */
  bodyBytes: number;
  /** Bytes to come, of the body or of a chunk. */
  left: number;
  /** The beginning of a head, or of a line between chunks, that has not come whole. */
  carry: Buffer | undefined;
  readonly sourceOf: SourceOf;
}

export function newAnswer(sourceOf: SourceOf): AnswerState {
  return {
    phase: PHASE.head,
    ...{ status: 0, length: -1, chunked: false, closes: false, source: -1 },
    bodyBytes: 0,
    left: 0,
    carry: undefined,
    sourceOf,
  };
}

/** Another answer is expected. */
export function resetAnswer(state: AnswerState): void {
  state.phase = PHASE.head;
  state.status = 0;
  state.bodyBytes = 0;
  state.carry = undefined;
}

/** Takes bytes up to the end of the answer; how many that were. `phase` tells where it is then. */
export function takeAnswer(state: AnswerState, bytes: Buffer): number {
  let at = 0;
  while (state.phase < PHASE.whole && at < bytes.length) {
    if (state.phase === PHASE.head) at = takeHead(state, bytes, at);
    else if (state.phase <= PHASE.untilClose) at = takeBody(state, bytes, at);
    else at = takeChunked(state, bytes, at);
  }
  return at;
}

export type AnswerEnd = "whole" | "short" | "reset";

/** What it means for the answer that the connection has ended now. */
export function endOfAnswer(state: AnswerState): AnswerEnd {
  if (state.phase === PHASE.whole || state.phase === PHASE.untilClose) return "whole";
  return state.phase === PHASE.head ? "reset" : "short";
}

function takeHead(state: AnswerState, bytes: Buffer, at: number): number {
  const { carry } = state;
  const text = carry === undefined ? bytes : Buffer.concat([carry, bytes.subarray(at)]);
  const from = carry === undefined ? at : 0;
  const end = readHead(state, text, from, state.sourceOf);
  if (end === NO_HTTP) {
    state.phase = PHASE.broken;
    return bytes.length;
  }
  if (end < 0) {
    state.carry = carry === undefined ? Buffer.from(bytes.subarray(at)) : text;
    if (state.carry.length > BENCH_LIMITS.headBytesMax) state.phase = PHASE.broken;
    return bytes.length;
  }
  state.carry = undefined;
  beginBody(state);
  return carry === undefined ? end : at + end - carry.length;
}

/** RFC 9112 §6.3, for answers to GET and POST. */
function beginBody(state: AnswerState): void {
  const { status, length } = state;
  // an interim answer: the final one follows (RFC 9110 §15.2)
  if (status < 200) return;
  if (status === 204 || status === 304) state.phase = PHASE.whole;
  else if (state.chunked) state.phase = PHASE.chunkLine;
  else if (length < 0) {
    state.closes = true;
    state.phase = PHASE.untilClose;
  } else {
    state.left = length;
    state.phase = length === 0 ? PHASE.whole : PHASE.body;
  }
}

function takeBody(state: AnswerState, bytes: Buffer, at: number): number {
  const here = bytes.length - at;
  const taken = state.phase === PHASE.untilClose ? here : Math.min(here, state.left);
  state.bodyBytes += taken;
  if (state.phase === PHASE.body) {
    state.left -= taken;
    if (state.left === 0) state.phase = PHASE.whole;
  }
  return at + taken;
}

/** RFC 9112 §7.1. */
function takeChunked(state: AnswerState, bytes: Buffer, at: number): number {
  if (state.phase === PHASE.chunkBody) {
    const taken = Math.min(bytes.length - at, state.left);
    state.bodyBytes += taken;
    state.left -= taken;
    if (state.left === 0) state.phase = PHASE.chunkEnd;
    return at + taken;
  }
  const end = bytes.indexOf(LF, at);
  const carry = state.carry ?? NOTHING;
  const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
  const line = carry.length === 0 ? piece : Buffer.concat([carry, piece]);
  if (line.length > BENCH_LIMITS.chunkLineBytesMax) state.phase = PHASE.broken;
  else if (end < 0) state.carry = Buffer.from(line);
  else {
    state.carry = undefined;
    takeLine(state, line.toString("latin1").trimEnd());
  }
  return end < 0 ? bytes.length : end + 1;
}

const LF = 10;
const NOTHING = Buffer.alloc(0);
/** Thirteen hex digits are still exact. */
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;.*)?$/;

function takeLine(state: AnswerState, line: string): void {
  if (state.phase === PHASE.chunkLine) {
    const size = CHUNK_SIZE.exec(line)?.[1];
    state.left = Number.parseInt(size ?? "0", 16);
    if (size === undefined) state.phase = PHASE.broken;
    else state.phase = state.left === 0 ? PHASE.trailer : PHASE.chunkBody;
  } else if (state.phase === PHASE.chunkEnd) {
    state.phase = line === "" ? PHASE.chunkLine : PHASE.broken;
  } else if (line === "") state.phase = PHASE.whole;
}
