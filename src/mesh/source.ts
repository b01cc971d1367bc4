/** The bytes of an answer, wherever they come from, read into a buffer bit by bit. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Body } from "../base/body.ts";
import { errnoOf } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { AnswerSource, PeerAnswer } from "./peer.ts";

/** Larger files are measured before their first byte is read: a part of one shows nothing of its length. */
const STAT_FROM_BYTES = 64 * 1024;
const ONE_BYTE = new Uint8Array(1);

export interface Source {
  /** `fill` never has to be waited for, and `finish` has nothing to find out that `fill` does not. */
  readonly atOnce: boolean;
  /** Of all that it gives, where that is known without looking. */
  readonly xxh64?: string | undefined;
  /** What all that it gives has to have; undefined where nobody knows. */
  readonly published?: string | undefined;
  /**
   * Fills the room from its start, as far as bytes are at hand; how many there were, never 0. Rejects or
   * throws a Fault when the source is shorter than it should be, or cannot be read.
   */
  fill(room: Uint8Array): number | Promise<number>;
  /** After the last byte: rejects when the source does not end there, or is not whole. */
  finish(): Promise<void> | undefined;
  /** Gives it back; safe at any time and more than once. */
  close(): void;
}

/**
 * The variant from `offset` on, which is at most its length. Throws a Fault `peer_failed` when a file or
 * bytes are not as long as the variant should be.
 */
export function openSource(answer: Pick<PeerAnswer, "send" | "meta">, offset: number): Source {
  const { send, meta } = answer;
  switch (send.kind) {
    case "file":
      return fileSource(send, meta.bytes, offset);
    case "bytes":
      if (send.bytes.length !== meta.bytes) throw wrongLength(send.bytes.length, meta.bytes);
      return bytesSource(send.bytes, offset, send.xxh64);
    case "body":
      return bodySource(send.body, offset);
    case "none":
      throw new Fault("internal", "an answer without bytes to a request for them");
  }
}

/** For an answer that nobody wants any more. */
export function discard(send: AnswerSource): void {
  if (send.kind === "body") send.body.cancel();
}

function fileSource(
  { path, published }: Extract<AnswerSource, { readonly kind: "file" }>,
  bytes: number,
  offset: number,
): Source {
  const fd = openForReading(path);
  let open = true;
  let position = offset;
  let sawEnd = false;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  // of a small one the first read tells, before anything has been said
  const size = bytes > STAT_FROM_BYTES ? fstatSync(fd).size : bytes;
  if (size !== bytes) {
    close();
    throw wrongLength(size, bytes);
  }
  return {
    atOnce: true,
    published: offset === 0 ? published : undefined,
    fill(room) {
      const got = readSync(fd, room, 0, room.length, position);
      if (got === 0) throw cutShort();
      position += got;
      sawEnd = got < room.length;
      return got;
    },
    finish() {
      if (!sawEnd && readSync(fd, ONE_BYTE, 0, 1, position) > 0) throw tooLong();
      return undefined;
    },
    close,
  };
}

function bytesSource(bytes: Uint8Array, offset: number, xxh64: string | undefined): Source {
  let position = offset;
  return {
    atOnce: true,
    xxh64: offset === 0 ? xxh64 : undefined,
    fill(room) {
      const part = bytes.subarray(position, position + room.length);
      room.set(part);
      position += part.length;
      return part.length;
    },
    finish: () => undefined,
    close() {},
  };
}

function bodySource(body: Body, offset: number): Source {
  let skip = offset;
  let rest: Uint8Array = new Uint8Array(0);

  /** Until there is something to send, or the end. */
  const more = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const bytes = await body.read();
      if (bytes === undefined) return false;
      rest = bytes.subarray(Math.min(skip, bytes.length));
      skip -= bytes.length - rest.length;
    }
    return true;
  };

  return {
    atOnce: false,
    async fill(room) {
      if (!(await more())) throw cutShort();
      const part = rest.subarray(0, room.length);
      room.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    async finish() {
      if (await more()) throw tooLong();
    },
    close: () => body.cancel(),
  };
}

function openForReading(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw unopenable(error);
  }
}

/** A file that is not what it should be. */
export class SpoiledFile extends Fault {
  constructor(message: string) {
    super("peer_failed", message);
  }
}

export function notPublished(): Fault {
  return new SpoiledFile("the file is not what was published");
}

function unopenable(cause: unknown): Fault {
  return new Fault("peer_failed", `the file cannot be opened (${errnoOf(cause)})`, { cause });
}

function wrongLength(found: number, expected: number): Fault {
  return new SpoiledFile(`the variant has ${found} bytes where ${expected} belong`);
}

export function tooLong(): Fault {
  return new SpoiledFile("the source is longer than it said");
}

function cutShort(): Fault {
  return new SpoiledFile("the source ended before its length");
}
