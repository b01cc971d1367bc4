/**
 * Reads the head of an HTTP/1.1 answer where it lies (RFC 9112 §2 to §6), for what a load generator must know of it.
 * Written for the hot path (bench/versus/generator.ts): nothing is made for a head without surprises.
 */

export interface AnswerHead {
  status: number;
  /** Bytes of the body; -1 when there is no `Content-Length`. */
  length: number;
  chunked: boolean;
  /** The server closes the connection after this answer. */
  closes: boolean;
  /** What `SourceOf` made of the last `Cache-Status`; -1 without one. */
  source: number;
}

/** A number for what the last member of a `Cache-Status` says. */
export interface SourceOf {
  /** Of one that ends in `; hit`. */
  readonly hit: number;
  /** Of any other. */
  readonly other: (value: string) => number;
}

const INCOMPLETE = -1;
export const NO_HTTP = -2;

const LF = 10;
const CR = 13;
const SPACE = 0x20;
const TAB = 9;
const ZERO = 0x30;
/** Makes letters lower case, and leaves `-`, `:` and `;` alone. */
const LOWER = 0x20;
const PROTOCOL = Buffer.from("HTTP/1.");
const STATUS_AT = "HTTP/1.1 ".length;
const CONTENT_LENGTH = Buffer.from("content-length:");
const CACHE_STATUS = Buffer.from("cache-status:");
const CONNECTION = Buffer.from("connection:");
const KEEP_ALIVE = Buffer.from(" keep-alive\r");
const TRANSFER_ENCODING = Buffer.from("transfer-encoding:");
const HIT = Buffer.from("; hit");
const C = 0x63;
const T = 0x74;
/** Longer than any body; its digits are still exact. */
const NUMBER_MAX = 2 ** 50;

/** Where the body begins, with `head` filled in; else INCOMPLETE or NO_HTTP. */
export function readHead(
  head: AnswerHead,
  bytes: Buffer,
  from: number,
  sourceOf: SourceOf,
): number {
  if (!isAt(bytes, from, PROTOCOL)) return startsLike(bytes, from) ? INCOMPLETE : NO_HTTP;
  let at = lineAfter(bytes, from);
  if (at < 0) return INCOMPLETE;
  head.status = numberIn(bytes, from + STATUS_AT, from + STATUS_AT + 3);
  if (head.status < 100 || head.status > 599) return NO_HTTP;
  head.length = -1;
  head.chunked = false;
  head.closes = bytes[from + PROTOCOL.length] === ZERO;
  head.source = -1;
  for (;;) {
    const next = lineAfter(bytes, at);
    if (next < 0) return INCOMPLETE;
    // without the line's end
    const end = bytes[next - 2] === CR ? next - 2 : next - 1;
    if (end <= at) return next;
    const letter = (bytes[at] ?? 0) | LOWER;
    if ((letter === C || letter === T) && !readField(head, bytes, at, end, sourceOf))
      return NO_HTTP;
    at = next;
  }
}

/** False when the field is such that nobody can tell where the answer ends. */
function readField(
  head: AnswerHead,
  bytes: Buffer,
  at: number,
  end: number,
  sourceOf: SourceOf,
): boolean {
  if (isNamed(bytes, at, CONTENT_LENGTH)) {
    const length = numberIn(bytes, at + CONTENT_LENGTH.length, end);
    if (length < 0 || (head.length >= 0 && head.length !== length)) return false;
    head.length = length;
  } else if (isNamed(bytes, at, CACHE_STATUS)) {
    head.source = isAt(bytes, end - HIT.length, HIT)
      ? sourceOf.hit
      : sourceOf.other(textIn(bytes, at + CACHE_STATUS.length, end));
  } else if (isNamed(bytes, at, CONNECTION)) {
    const isUsual = !head.closes && isAt(bytes, at + CONNECTION.length, KEEP_ALIVE);
    if (!isUsual) readConnection(head, bytes, at, end);
  } else if (isNamed(bytes, at, TRANSFER_ENCODING)) {
    // any other coding would have to be undone to find the end
    head.chunked = textIn(bytes, at + TRANSFER_ENCODING.length, end).toLowerCase() === "chunked";
    return head.chunked;
  }
  return true;
}

function readConnection(head: AnswerHead, bytes: Buffer, at: number, end: number): void {
  const options = textIn(bytes, at + CONNECTION.length, end).toLowerCase();
  if (options.includes("close")) head.closes = true;
  else if (options.includes("keep-alive")) head.closes = false;
}

/** Behind the next line's end; -1 when it has none yet. */
function lineAfter(bytes: Buffer, from: number): number {
  const { length } = bytes;
  for (let at = from; at < length; at++) if (bytes[at] === LF) return at + 1;
  return -1;
}

function isAt(bytes: Buffer, at: number, wanted: Uint8Array): boolean {
  for (let k = 0; k < wanted.length; k++) if (bytes[at + k] !== wanted[k]) return false;
  return true;
}

function isNamed(bytes: Buffer, at: number, name: Uint8Array): boolean {
  for (let k = 0; k < name.length; k++) {
    if (((bytes[at + k] ?? 0) | LOWER) !== name[k]) return false;
  }
  return true;
}

/** A beginning of `HTTP/1.` of which the rest has not come. */
function startsLike(bytes: Buffer, from: number): boolean {
  const here = bytes.length - from;
  return here < PROTOCOL.length && isAt(bytes, from, PROTOCOL.subarray(0, here));
}

/** A decimal number with spaces around it; -1 when it is none. */
function numberIn(bytes: Buffer, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && isSpace(bytes[at])) at++;
  while (end > at && isSpace(bytes[end - 1])) end--;
  if (at === end) return -1;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9 || value > NUMBER_MAX) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function textIn(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("latin1", from, to).trim();
}
