/** One answer into a connection: header and content in as few writes as there can be, then the end frame. */

import { Fault } from "../base/fault.ts";
import { encodeEnd } from "../wire/encode.ts";
import { digestOf, makeDigest } from "../wire/xxhash.ts";
import { fitsInBuffer, giveBuffer, READ_AT, takeBuffer } from "./send-buffer.ts";
import { notPublished, type Source, tooLong } from "./source.ts";

/** Room kept for the end frame behind the last bytes of a body. */
const END_ROOM_BYTES = 128;
/** After this much without a pause the other connections get a turn. */
const FAIR_BYTES = 1024 * 1024;

export interface AnswerToSend {
  /** Everything of the `=` frame before its content. */
  readonly head: Uint8Array;
  /** Bytes of content. */
  readonly bytes: number;
  /** undefined when there is no content. */
  readonly source: Source | undefined;
  /** An end frame follows. */
  readonly extended: boolean;
  /** Hears that what was sent is not what was published: its end frame has told it. */
  readonly spoiled?: (() => void) | undefined;
}

type Write = (bytes: Uint8Array) => Promise<void> | undefined;

/**
 * undefined when all of it has been taken at once. Rejects or throws when the source or the connection fails:
 * before the first call of `write` nothing has been said yet, after it the frame can only be broken off. Reads
 * again only when the connection has taken what was read.
 */
export function sendAnswer(answer: AnswerToSend, write: Write): Promise<void> | undefined {
  const { head, bytes, source } = answer;
  const atOnce = source === undefined || source.atOnce;
  if (atOnce && fitsInBuffer(bytes, contentAt(head) + END_ROOM_BYTES)) {
    return sendWhole(answer, write);
  }
  return sendParts(answer, write);
}

/** Header, content and end in one write. */
function sendWhole(
  { head, bytes, source, extended }: AnswerToSend,
  write: Write,
): Promise<void> | undefined {
  const buffer = takeBuffer(bytes);
  let writing: Promise<void> | undefined;
  try {
    const at = contentAt(head);
    const from = at - head.length;
    buffer.set(head, from);
    const end = at + bytes;
    if (source !== undefined) fillWhole(source, buffer, { at, end });
    const xxh64 = source?.xxh64 ?? digestOf(buffer.subarray(at, end));
    if ((source?.published ?? xxh64) !== xxh64) throw notPublished();
    const to = extended ? putEnd(buffer, end, { bytes, xxh64 }) : end;
    writing = write(buffer.subarray(from, to));
  } finally {
    if (writing === undefined) giveBuffer(buffer);
  }
  return writing?.finally(() => giveBuffer(buffer));
}

function fillWhole(
  source: Source,
  buffer: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
): void {
  let filled = at;
  while (filled < end) {
    // the byte behind shows a source that is longer than it said
    const got = source.fill(buffer.subarray(filled, end + 1));
    if (typeof got !== "number") throw new Fault("internal", "a source at once that is not");
    filled += got;
  }
  if (filled > end) throw tooLong();
}

/** Content is read to a multiple of 64, the header right before it. */
function contentAt(head: Uint8Array): number {
  return Math.ceil(Math.max(head.length, 1) / READ_AT) * READ_AT;
}

async function sendParts(answer: AnswerToSend, write: Write): Promise<void> {
  const { head, source, extended } = answer;
  const buffer = takeBuffer(answer.bytes);
  const digest = makeDigest();
  let at = contentAt(head);
  let from = at - head.length;
  buffer.set(head, from);
  let left = answer.bytes;
  let sinceTurn = 0;
  let spoiled = false;
  try {
    for (;;) {
      if (left > 0 && source !== undefined) {
        const roomEnd = Math.min(at + left, buffer.length - END_ROOM_BYTES);
        const filling = source.fill(buffer.subarray(at, roomEnd));
        const got = typeof filling === "number" ? filling : await filling;
        digest.update(buffer.subarray(at, at + got));
        at += got;
        left -= got;
      }
      if (left === 0) {
        await source?.finish();
        const read = digest.hex();
        const xxh64 = source?.published ?? read;
        spoiled = xxh64 !== read;
        // the end says what it should have been: to break off here would let another node go on after wrong bytes
        if (extended) at = putEnd(buffer, at, { bytes: answer.bytes, xxh64 });
        else if (spoiled) throw notPublished();
      }
      const writing = write(buffer.subarray(from, at));
      if (writing !== undefined) await writing;
      if (left === 0) {
        if (spoiled) answer.spoiled?.();
        return;
      }
      sinceTurn = writing === undefined ? sinceTurn + at - from : 0;
      if (sinceTurn >= FAIR_BYTES) {
        sinceTurn = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      from = READ_AT;
      at = READ_AT;
    }
  } finally {
    giveBuffer(buffer);
  }
}

function putEnd(buffer: Uint8Array, at: number, end: { bytes: number; xxh64: string }): number {
  const frame = encodeEnd(end);
  buffer.set(frame, at);
  return at + frame.length;
}
