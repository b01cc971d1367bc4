/** One answer into a connection: header and content in as few writes as there can be, then the end frame. */

import { encodeEnd } from "../wire/encode.ts";
import { makeDigest } from "../wire/xxhash.ts";
import { giveBuffer, READ_AT, takeBuffer } from "./send-buffer.ts";
import type { Source } from "./source.ts";

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
}

/**
 * Rejects when the source or the connection fails: before the first call of `write` nothing has been said yet,
 * after it the frame can only be broken off. Reads again only when the connection has taken what was read.
 */
export async function sendAnswer(
  answer: AnswerToSend,
  write: (bytes: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  const { head, source, extended } = answer;
  const buffer = takeBuffer(answer.bytes);
  const digest = makeDigest();
  // the header right before the content, which is read to a multiple of 64
  let at = Math.ceil(Math.max(head.length, 1) / READ_AT) * READ_AT;
  let from = at - head.length;
  buffer.set(head, from);
  let left = answer.bytes;
  let sinceTurn = 0;
  try {
    for (;;) {
      if (left > 0 && source !== undefined) {
        const roomEnd = Math.min(at + left, buffer.length - END_ROOM_BYTES);
        const filling = source.fill(buffer.subarray(at, roomEnd));
        const got = typeof filling === "number" ? filling : await filling;
        if (extended) digest.update(buffer.subarray(at, at + got));
        at += got;
        left -= got;
      }
      if (left === 0) {
        await source?.finish();
        if (extended) at = putEnd(buffer, at, { bytes: answer.bytes, xxh64: digest.hex() });
      }
      const writing = write(buffer.subarray(from, at));
      if (writing !== undefined) await writing;
      if (left === 0) return;
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
