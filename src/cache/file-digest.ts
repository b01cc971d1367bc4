/** xxHash64 of a file on disk, in steps, so that a large one holds nobody up. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { errnoOf, isMissing } from "../base/errno.ts";
import { digestOf, makeDigest } from "../wire/xxhash.ts";

/** Read between two steps. */
const STEP_BYTES = 1 << 20;
/** Reads at offsets 8 and 16 of a buffer are many times slower (spikes 0.3); 64 is safe. */
const READ_AT = 64;

export type FileDigest =
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "missing" }
  /** It is there with another length, or the disk cannot bring its bytes. */
  | { readonly kind: "unfit"; readonly why: string }
  /** It is not the file's fault. */
  | { readonly kind: "unread"; readonly why: string };

/** Buffers are lent, since several files may be under way. */
const spares: Uint8Array<ArrayBuffer>[] = [];
const SPARES_MAX = 4;

/** Yields before each further step; the last value is the answer. Never throws. */
export function* fileDigest(path: string, bytes: number): Generator<void, FileDigest> {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    return isMissing(error) ? { kind: "missing" } : failure(error);
  }
  const buffer = spares.pop() ?? new Uint8Array(READ_AT + STEP_BYTES);
  try {
    const { size } = fstatSync(fd);
    if (size !== bytes) return { kind: "unfit", why: `it has ${size} bytes instead of ${bytes}` };
    return yield* digestInSteps(fd, buffer, bytes);
  } catch (error) {
    return failure(error);
  } finally {
    closeSync(fd);
    if (spares.length < SPARES_MAX) spares.push(buffer);
  }
}

function* digestInSteps(
  fd: number,
  buffer: Uint8Array<ArrayBuffer>,
  bytes: number,
): Generator<void, FileDigest> {
  const rolling = bytes <= STEP_BYTES ? undefined : makeDigest();
  let piece = buffer.subarray(0, 0);
  for (let done = 0; done < bytes; done += piece.length) {
    if (done > 0) yield;
    const got = readSync(fd, buffer, READ_AT, Math.min(STEP_BYTES, bytes - done), done);
    piece = buffer.subarray(READ_AT, READ_AT + got);
    const whole = got === Math.min(STEP_BYTES, bytes - done);
    if (!whole) return { kind: "unfit", why: "it was cut while it was read" };
    rolling?.update(piece);
  }
  return { kind: "digest", digest: rolling?.hex() ?? digestOf(piece) };
}

/** Only an input/output error says something of the file; too few descriptors or rights say nothing. */
function failure(error: unknown): FileDigest {
  const code = errnoOf(error);
  const spoiled = code === "EIO" || code === "EISDIR" || code === "EUCLEAN";
  return { kind: spoiled ? "unfit" : "unread", why: String(error) };
}

/** All steps at once. */
export function finished<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The event loop gets its turn before each further step. */
export async function finishedInTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
