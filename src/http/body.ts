/** Bytes that were found, as a Response: from memory, from a small file, by sendfile, or as they come (spec §2 "Bodies"). */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { isMissing } from "../base/errno.ts";
import { Fault, unreachable } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Served } from "../content/served.ts";
import { lateBody } from "./late-body.ts";
import type { Held } from "./ram.ts";
import { type ByteRange, contentRange } from "./range.ts";
import { openFileBody, streamOf } from "./stream-body.ts";

/** From here on sendfile is cheaper than reading (spikes D). */
const SENDFILE_FROM_BYTES = 1024 * 1024;
/** Reads at offsets 8 and 16 of a buffer are many times slower (spikes 0.3); 64 is safe. */
const READ_AT = 64;

export interface BodyOptions {
  /** Not changed. */
  readonly headers: Headers;
  /** undefined: the whole. A body that is still coming is always sent whole. */
  readonly range: ByteRange | undefined;
  /** The request has a `Range` header, whatever became of it. */
  readonly rangeAsked: boolean;
  /** A body was cut on its way to the client. */
  readonly onCut: (reason: unknown) => void;
}

export type Sent =
  | { readonly kind: "response"; readonly response: Response; readonly bytes: number }
  /** The file went, or is another one, between the look and the open, or it cannot be read (`error`): a miss. */
  | { readonly kind: "gone"; readonly error?: unknown };

/** Throws the Fault of a stream whose source fails before its first byte. */
export function sendBody(served: Served | Held, options: BodyOptions): Sent | Promise<Sent> {
  switch (served.kind) {
    case "held":
      return sendHeld(served, options.range);
    case "file":
      return served.meta.bytes < SENDFILE_FROM_BYTES
        ? sendSmallFile(served, options)
        : sendLargeFile(served.path, served.meta.bytes, options);
    case "bytes":
      return sendBytes(served.bytes, options);
    case "stream":
      return sendStream(served, options);
    default:
      return unreachable(served);
  }
}

function sendHeld({ body, whole, success, meta }: Held, range: ByteRange | undefined): Sent {
  // the types of `clone` are those of another library
  if (range === undefined) return sent(whole.clone() as Response, meta.bytes);
  const part = body.slice(range.start, range.end + 1);
  return partial(part, meta.bytes, { headers: success, range });
}

/** They have come from elsewhere, so that the answer is late. */
function sendBytes(whole: Uint8Array, { headers, range }: BodyOptions): Sent {
  const bytes = whole.byteLength;
  if (range === undefined) return sent(new Response(lateBody(asBody(whole)), { headers }), bytes);
  const part = whole.subarray(range.start, range.end + 1);
  return partial(lateBody(asBody(part)), bytes, { headers, range });
}

/** One a worker: `new Response(view)` copies before it returns (spikes D), so it is free again at once. */
let scratch: Uint8Array<ArrayBuffer> | undefined;

function sendSmallFile(
  { path, meta, outcome }: Extract<Served, { kind: "file" }>,
  options: BodyOptions,
): Sent {
  const { headers, range } = options;
  const { bytes } = meta;
  const late = outcome.source !== "hit";
  const whole = range === undefined;
  let read: Uint8Array<ArrayBuffer> | undefined;
  try {
    if (late) read = readLate(path, meta, range);
    else read = whole ? readSmallFile(path, bytes) : readPart(path, range);
  } catch (error) {
    return { kind: "gone", error };
  }
  if (read === undefined) return { kind: "gone" };
  const view = late ? lateBody(read) : read;
  if (whole) return sent(new Response(view, { headers }), bytes);
  return partial(view, bytes, { headers, range });
}

interface LateFile {
  readonly path: string;
  readonly validator: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Read whole by the last answer that came late; forgotten with the turn of the event loop in which it was read. */
let lastLate: LateFile | undefined;

/**
 * An answer that comes late is sent from its bytes later still, so that they are in a buffer of their own. All who have
 * waited for one load are answered in one turn, from the same buffer: with a read for each, the last of a crowd of
 * 330 waited four times as long (bench/flood.ts).
 */
function readLate(
  path: string,
  { validator, bytes }: VariantMeta,
  range: ByteRange | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  const buffer = (size: number) => new Uint8Array(READ_AT + size + 1);
  if (range !== undefined) return readPart(path, range, buffer(range.end + 1 - range.start));
  const { path: lastPath, validator: lastValidator, bytes: same } = lastLate ?? {};
  if (lastPath === path && lastValidator === validator && same?.length === bytes) return same;
  const read = readSmallFile(path, bytes, buffer(bytes));
  if (read === undefined) return undefined;
  if (lastLate === undefined) {
    setImmediate(() => {
      lastLate = undefined;
    });
  }
  lastLate = { path, validator, bytes: read };
  return read;
}

/**
 * The whole of a file of so many bytes, less than 1 MiB; undefined: it is not that file. Without a buffer of its own,
 * which has READ_AT + 1 bytes more, it is good until the next call.
 */
export function readSmallFile(
  path: string,
  bytes: number,
  buffer?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  // one byte more than wanted, to see that it ends where it should
  const view = read(path, { start: 0, bytes: bytes + 1 }, buffer);
  return view.length === bytes ? view : undefined;
}

function readPart(
  path: string,
  { start, end }: ByteRange,
  buffer?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  const view = read(path, { start, bytes: end + 1 - start }, buffer);
  return view.length === end + 1 - start ? view : undefined;
}

/** What there is of so many bytes; nothing of a file that is gone. */
function read(
  path: string,
  part: { readonly start: number; readonly bytes: number },
  buffer: Uint8Array<ArrayBuffer> = scratchBuffer(),
): Uint8Array<ArrayBuffer> {
  const got = readAt(path, buffer, part);
  return buffer.subarray(READ_AT, READ_AT + Math.max(0, got));
}

function scratchBuffer(): Uint8Array<ArrayBuffer> {
  scratch ??= new Uint8Array(READ_AT + SENDFILE_FROM_BYTES);
  return scratch;
}

function readAt(
  path: string,
  buffer: Uint8Array,
  part: { readonly start: number; readonly bytes: number },
): number {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return -1;
    throw error;
  }
  try {
    return readSync(fd, buffer, READ_AT, part.bytes, part.start);
  } finally {
    closeSync(fd);
  }
}

/**
 * Bun opens the path itself once the Response is returned; should the file go in between, the listener's
 * error handler answers 503. Given a 200 of a file, Bun applies the request's `Range` on its own and by
 * laxer rules than RFC 9110, so a 200 that answers a Range is sent as a stream, without a length.
 */
function sendLargeFile(path: string, bytes: number, options: BodyOptions): Sent {
  const { headers, range, rangeAsked, onCut } = options;
  try {
    if (statSync(path).size !== bytes) return { kind: "gone" };
  } catch (error) {
    return { kind: "gone", error };
  }
  const file = Bun.file(path);
  if (range !== undefined) {
    return partial(file.slice(range.start, range.end + 1), bytes, { headers, range });
  }
  if (!rangeAsked) return sent(new Response(file, { headers }), bytes);
  const body = openFileBody(path, bytes);
  return sent(new Response(streamOf(body, { bytes, onCut }), { headers }), bytes);
}

/** Waits for the first bytes, so that a source that brings none becomes an answer, not a reset. */
async function sendStream(
  served: Extract<Served, { kind: "stream" }>,
  options: BodyOptions,
): Promise<Sent> {
  const { body, meta } = served;
  const first = await body.read();
  if (first === undefined && meta.bytes > 0) {
    body.cancel();
    throw new Fault("peer_failed", "the body is shorter than announced");
  }
  const stream = streamOf(body, { bytes: meta.bytes, first, onCut: options.onCut });
  return sent(new Response(stream, { headers: options.headers }), meta.bytes);
}

function partial(
  body: Blob | Uint8Array<ArrayBuffer> | ReadableStream,
  totalBytes: number,
  options: { readonly headers: Headers; readonly range: ByteRange },
): Sent {
  const { range } = options;
  const headers = new Headers(options.headers);
  headers.set("Content-Range", contentRange(range, totalBytes));
  return sent(new Response(body, { status: 206, headers }), range.end + 1 - range.start);
}

function sent(response: Response, bytes: number): Sent {
  return { kind: "response", response, bytes };
}

/** Views of shared memory are copied like any other (spikes D); the type of `Response` leaves them out. */
function asBody(view: Uint8Array): Uint8Array<ArrayBuffer> {
  return view as Uint8Array<ArrayBuffer>;
}
