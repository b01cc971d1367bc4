/** The bytes of an answer, wherever they come from, read into a buffer bit by bit. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Body } from "../base/body.ts";
import { errnoOf } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { AnswerSource, PeerAnswer } from "./peer.ts";

export interface Source {
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
      return fileSource(send.path, meta.bytes, offset);
    case "bytes":
      if (send.bytes.length !== meta.bytes) throw wrongLength(send.bytes.length, meta.bytes);
      return bytesSource(send.bytes, offset);
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

function fileSource(path: string, bytes: number, offset: number): Source {
  const fd = openForReading(path);
  let open = true;
  let position = offset;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  const size = fstatSync(fd).size;
  if (size !== bytes) {
    close();
    throw wrongLength(size, bytes);
  }
  return {
    fill(room) {
      const got = readSync(fd, room, 0, room.length, position);
      if (got === 0) throw cutShort();
      position += got;
      return got;
    },
    finish: () => undefined,
    close,
  };
}

function bytesSource(bytes: Uint8Array, offset: number): Source {
  let position = offset;
  return {
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
    async fill(room) {
      if (!(await more())) throw cutShort();
      const part = rest.subarray(0, room.length);
      room.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    async finish() {
      if (await more()) throw new Fault("peer_failed", "the source is longer than it said");
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

function unopenable(cause: unknown): Fault {
  return new Fault("peer_failed", `the file cannot be opened (${errnoOf(cause)})`, { cause });
}

function wrongLength(found: number, expected: number): Fault {
  return new Fault("peer_failed", `the variant has ${found} bytes where ${expected} belong`);
}

function cutShort(): Fault {
  return new Fault("peer_failed", "the source ended before its length");
}
