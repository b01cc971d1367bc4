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

/** What was never written, or was lost with the file of digests. */
export const NO_DIGEST = "0".repeat(16);

/** As 16 hex digits. */
export interface Digests {
  read(slot: number): string;
  /** By whoever holds the slot. Throws what the file system says. */
  write(slot: number, digest: string): void;
  /** Brings the file to its length: it has holes where nothing was written. */
  fit(): void;
  /** Every one, two words a slot: the upper half, then the lower. */
  readAll(): Int32Array;
  close(): void;
}

/** The file is made when it is first needed. */
export function openDigests(dir: string, slots: number): Digests {
  const scratch = Buffer.alloc(DIGEST_BYTES);
  const wanted = slots * DIGEST_BYTES;
  let fd: number | undefined;

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

  return {
    read(slot) {
      scratch.fill(0);
      readSync(file(), scratch, 0, DIGEST_BYTES, slot * DIGEST_BYTES);
      return digestText(scratch.readInt32LE(0), scratch.readInt32LE(4));
    },
    write(slot, digest) {
      const [high, low] = digestWords(digest);
      scratch.writeInt32LE(high, 0);
      scratch.writeInt32LE(low, 4);
      const written = writeSync(file(), scratch, 0, DIGEST_BYTES, slot * DIGEST_BYTES);
      if (written !== DIGEST_BYTES) throw new Error("a digest was written in part");
    },
    fit() {
      if (fstatSync(file()).size !== wanted) ftruncateSync(file(), wanted);
    },
    readAll() {
      const all = new Uint8Array(wanted);
      for (let done = 0; done < wanted; ) {
        const got = readSync(file(), all, done, Math.min(PIECE_BYTES, wanted - done), done);
        if (got === 0) break;
        done += got;
      }
      return new Int32Array(all.buffer);
    },
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

export function digestText(high: number, low: number): string {
  return hex(high) + hex(low);
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, "0");
}

/** At a start, where a full disk is no reason to stop: without its digest a file cannot be proven, and goes when it must be. */
export function writeIfRoom(digests: Digests, slot: number, digest: string): void {
  try {
    digests.write(slot, digest);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}
