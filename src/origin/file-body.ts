/** The body of an original that is a file, proven to be the same file from its first byte to its last. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Body } from "../base/body.ts";
import type { Fault } from "../base/fault.ts";
import { badOrigin, within } from "./store.ts";

const CHUNK_BYTES = 256 * 1024;
/** Reads at offsets 8 and 16 of a buffer are many times slower than at 64. */
const READ_AT = 64;
/** Buffers kept for the next body. */
const SPARE_MAX = 8;

const spares: Uint8Array[] = [];

/** What tells one state of a file from the next. */
export interface FileState {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** The last chunk is only given after the file has shown to be the same as when it was found. */
export function makeFileBody(options: {
  readonly path: string;
  readonly state: FileState;
  readonly stallMs: number;
  /** Makes a Fault of what the file system said, and logs it. */
  readonly failed: (error: unknown) => Fault;
}): Body {
  const { path, state, stallMs, failed } = options;
  const total = Number(state.size);
  const source = makeSource(stallMs);
  let position = 0;
  let over: "end" | Fault | undefined;

  const next = async (): Promise<Uint8Array | undefined> => {
    const handle = await source.open(() => openSame(path, state, stallMs));
    if (position === total) return undefined;
    const chunk = await source.read(Math.min(CHUNK_BYTES, total - position), position);
    if (chunk.length === 0) throw badOrigin("the original was cut while it was read");
    position += chunk.length;
    if (position === total) sameOrThrow(await statOf(handle, stallMs), state);
    return chunk;
  };

  return {
    async read() {
      if (over === "end") return undefined;
      if (over !== undefined) throw over;
      try {
        const chunk = await next();
        if (over !== undefined) throw over;
        if (chunk !== undefined) return chunk;
        over = "end";
        source.release();
        return undefined;
      } catch (error) {
        over ??= failed(error);
        source.release();
        throw over;
      }
    },
    cancel() {
      over ??= badOrigin("the reader gave up");
      source.release();
    },
  };
}

interface Source {
  open(opening: () => Promise<FileHandle>): Promise<FileHandle>;
  read(bytesMax: number, position: number): Promise<Uint8Array>;
  release(): void;
}

/**
 * One open file with one buffer of the pool. A read cannot be called off: released during one, file and buffer
 * are only given back when it has ended, or the pool would write into the buffer of another body.
 */
function makeSource(stallMs: number): Source {
  let handle: FileHandle | undefined;
  let buffer: Uint8Array | undefined;
  let reading = false;
  let released = false;

  const giveBack = (): void => {
    if (reading || !released) return;
    if (buffer !== undefined && spares.length < SPARE_MAX) spares.push(buffer);
    buffer = undefined;
    closeQuietly(handle);
    handle = undefined;
  };

  return {
    async open(opening) {
      handle ??= await opening();
      giveBack();
      if (handle === undefined) throw badOrigin("the reader gave up");
      return handle;
    },
    async read(bytesMax, position) {
      if (handle === undefined) throw badOrigin("the reader gave up");
      const into = buffer ?? spares.pop() ?? new Uint8Array(READ_AT + CHUNK_BYTES);
      buffer = into;
      reading = true;
      const work = handle.read(into, READ_AT, bytesMax, position).finally(() => {
        reading = false;
        giveBack();
      });
      const { bytesRead } = await within(stallMs, work);
      return into.subarray(READ_AT, READ_AT + bytesRead);
    },
    release() {
      released = true;
      giveBack();
    },
  };
}

function statOf(handle: FileHandle, waitMs: number): Promise<FileState & { isFile(): boolean }> {
  return within(waitMs, handle.stat({ bigint: true }));
}

/** O_NONBLOCK: a FIFO put in place of the picture since would block a thread of the pool for ever. */
async function openSame(path: string, state: FileState, waitMs: number): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  const handle = await within(waitMs, open(path, flags), closeQuietly);
  try {
    const found = await statOf(handle, waitMs);
    if (!found.isFile()) throw badOrigin("the original changed while it was read");
    sameOrThrow(found, state);
    return handle;
  } catch (error) {
    closeQuietly(handle);
    throw error;
  }
}

function sameOrThrow(found: FileState, state: FileState): void {
  const same =
    found.ino === state.ino && found.size === state.size && found.mtimeNs === state.mtimeNs;
  if (!same) throw badOrigin("the original changed while it was read");
}

function closeQuietly(handle: FileHandle | undefined): void {
  handle?.close().catch(() => {
    // nothing was written: a close that fails loses nothing
  });
}
