/** Digests of the cached files, eight bytes a slot in a file beside the index: they are read when a file is in doubt, and by checkpoints. */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "../base/errno.ts";
import { metaDir } from "./journal.ts";

const DIGEST_BYTES = 8;
/** One read of the whole file goes on in pieces of this size. */
const PIECE_BYTES = 1 << 24;
/** What is held is written in pages of this size. */
const PAGE_BYTES = 1 << 16;

/** What was never written, or was lost with the file of digests. */
export const NO_DIGEST = "0".repeat(16);

/** As 16 hex digits. */
export interface Digests {
  read(slot: number): string;
  /** By whoever holds the slot. Throws what the file system says. */
  write(slot: number, digest: string): void;
  /** The same from two halves. */
  writeWords(slot: number, high: number, low: number): void;
  /** Brings the file to its length: it has holes where nothing was written. */
  fit(): void;
  /** Every one, two words a slot: the upper half, then the lower. */
  readAll(): Int32Array;
  /** What is written from here on stays in memory, for a start that alone writes them; until `flush`. */
  hold(): void;
  /** Writes what was held, as far as it differs from what was there and the disk has room. */
  flush(): void;
  close(): void;
}

/** The file is made when it is first needed. */
export function openDigests(dir: string, slots: number): Digests {
  const scratch = Buffer.alloc(DIGEST_BYTES);
  const wanted = slots * DIGEST_BYTES;
  let fd: number | undefined;
  let held: Held | undefined;

  /** All threads must mean the same file, also after somebody has tidied it away. */
  const file = (): number => {
    if (fd !== undefined && fstatSync(fd).nlink === 0) close();
    fd ??= openSync(digestsPath(dir), constants.O_RDWR | constants.O_CREAT, 0o600);
    return fd;
  };

  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };

  const writeWords = (slot: number, high: number, low: number): void => {
    if (held !== undefined) {
      held.put(slot, high, low);
      return;
    }
    scratch.writeInt32LE(high, 0);
    scratch.writeInt32LE(low, 4);
    const written = writeSync(file(), scratch, 0, DIGEST_BYTES, slot * DIGEST_BYTES);
    if (written !== DIGEST_BYTES) throw new Error("a digest was written in part");
  };

  const readAll = (): Int32Array => {
    const all = new Uint8Array(wanted);
    for (let done = 0; done < wanted; ) {
      const got = readSync(file(), all, done, Math.min(PIECE_BYTES, wanted - done), done);
      if (got === 0) break;
      done += got;
    }
    return new Int32Array(all.buffer);
  };

  return {
    read(slot) {
      scratch.fill(0);
      readSync(file(), scratch, 0, DIGEST_BYTES, slot * DIGEST_BYTES);
      return digestText(scratch.readInt32LE(0), scratch.readInt32LE(4));
    },
    write: (slot, digest) => writeWords(slot, ...digestWords(digest)),
    writeWords,
    fit() {
      if (fstatSync(file()).size !== wanted) ftruncateSync(file(), wanted);
    },
    hold() {
      held = holdWords(readAll());
    },
    flush() {
      const last = held;
      held = undefined;
      last?.flush((bytes, at) => writeSync(file(), bytes, 0, bytes.length, at));
    },
    readAll,
    close,
  };
}

function digestsPath(dir: string): string {
  return join(metaDir(dir), "digests");
}

/** Upper and lower half of 16 hex digits. */
function digestWords(digest: string): readonly [number, number] {
  return [Number.parseInt(digest.slice(0, 8), 16) | 0, Number.parseInt(digest.slice(8), 16) | 0];
}

function digestText(high: number, low: number): string {
  return hex(high) + hex(low);
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, "0");
}

interface Held {
  put(slot: number, high: number, low: number): void;
  flush(write: (bytes: Uint8Array, at: number) => void): void;
}

function holdWords(words: Int32Array): Held {
  const pageWords = PAGE_BYTES / 4;
  const dirty = new Uint8Array(Math.ceil(words.length / pageWords));
  return {
    put(slot, high, low) {
      const at = slot * 2;
      if (words[at] === high && words[at + 1] === low) return;
      words[at] = high;
      words[at + 1] = low;
      dirty[Math.floor(at / pageWords)] = 1;
    },
    flush(write) {
      const bytes = new Uint8Array(words.buffer);
      for (let page = 0; page < dirty.length; page++) {
        if (dirty[page] === 0) continue;
        const from = page * PAGE_BYTES;
        write(bytes.subarray(from, from + PAGE_BYTES), from);
      }
    },
  };
}

/** At a start, where a full disk is no reason to stop: a file without its digest cannot be proven, and goes when it must be. */
export function writeIfRoom(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}
