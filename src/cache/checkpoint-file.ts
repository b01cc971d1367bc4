/**
 * The file of a checkpoint, `.mir/checkpoint`: chunks of a 24-byte header and a payload, all little-endian.
 *
 *   u32 magic · u32 kind · u32 bytes of the payload · u32 zero · u64 xxHash64 of the payload, seeded with kind and bytes
 *
 * head     one, JSON: CheckpointHead
 * ages     any number, lines `id sourceAt`: how new the variants of ids are that were purged
 * images   any number, slots: see slot-image.ts
 * end      one, JSON: { variants }
 *
 * A chunk that is damaged costs what is in it; without a sound head the file says nothing.
 */

import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { metaDir } from "./journal.ts";

export interface CheckpointHead {
  readonly format: number;
  readonly layout: number;
  /** The life of the machine it was taken in; see boot.ts. */
  readonly boot: string;
  readonly seeds: readonly [number, number];
  readonly sizes: readonly string[];
  /** What each of them says (CacheMemory.shapes); a checkpoint of before there were any has none. */
  readonly shapes?: readonly string[] | undefined;
  /** The time that hits are stamped with, for `lru`. */
  readonly recency: number;
  /** Number of the first journal file that says what came later. */
  readonly journal: number;
}

export const CHECKPOINT_FORMAT = 1;
/** Bytes of a payload. */
export const CHUNK_BYTES_MAX = 1 << 20;

const MAGIC = 0x5249_4d43;
const HEADER_BYTES = 24;
const KINDS = ["head", "ages", "images", "end"] as const;
export type ChunkKind = (typeof KINDS)[number];
/** Payloads begin here in their buffer, so that they are whole words. */
const PAYLOAD_AT = 64;

export interface Chunk {
  readonly kind: ChunkKind | "damaged";
  /** Until the next one is read. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface CheckpointWriter extends Disposable {
  chunk(kind: ChunkKind, payload: Uint8Array): void;
  /** So far. */
  readonly bytes: number;
  /** Makes what was written survive a loss of power. */
  sync(): void;
}

export function checkpointPath(dir: string): string {
  return join(metaDir(dir), "checkpoint");
}

export function writeCheckpointFile(path: string): CheckpointWriter {
  const fd = openSync(path, "w", 0o600);
  let bytes = 0;
  const write = (piece: Uint8Array): void => {
    for (let done = 0; done < piece.length; ) {
      done += writeSync(fd, piece, done, piece.length - done);
    }
    bytes += piece.length;
  };
  return {
    get bytes() {
      return bytes;
    },
    chunk(kind, payload) {
      if (payload.length > CHUNK_BYTES_MAX) throw new Error("a chunk is longer than it may be");
      const header = Buffer.alloc(HEADER_BYTES);
      const code = KINDS.indexOf(kind);
      header.writeUInt32LE(MAGIC, 0);
      header.writeUInt32LE(code, 4);
      header.writeUInt32LE(payload.length, 8);
      header.writeBigUInt64LE(sumOf(payload, code), 16);
      write(header);
      write(payload);
    },
    sync: () => fsyncSync(fd),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Up to the end, or to where it makes no sense any more. Throws what the file system says. */
export function* readCheckpointFile(path: string): Generator<Chunk> {
  const fd = openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const buffer = new Uint8Array(PAYLOAD_AT + CHUNK_BYTES_MAX);
    while (readWhole(fd, header)) {
      const code = header.readUInt32LE(4);
      const bytes = header.readUInt32LE(8);
      if (header.readUInt32LE(0) !== MAGIC || bytes > CHUNK_BYTES_MAX) break;
      const payload = buffer.subarray(PAYLOAD_AT, PAYLOAD_AT + bytes);
      if (!readWhole(fd, payload)) break;
      const kind = KINDS[code];
      const sound = kind !== undefined && sumOf(payload, code) === header.readBigUInt64LE(16);
      yield { kind: sound ? kind : "damaged", payload };
      if (kind === "end") return;
    }
    yield { kind: "damaged", payload: new Uint8Array(0) };
  } finally {
    closeSync(fd);
  }
}

function readWhole(fd: number, into: Uint8Array): boolean {
  for (let done = 0; done < into.length; ) {
    const got = readSync(fd, into, done, into.length - done, null);
    if (got === 0) return false;
    done += got;
  }
  return true;
}

function sumOf(payload: Uint8Array, code: number): bigint {
  return Bun.hash.xxHash64(payload, (BigInt(code) << 32n) | BigInt(payload.length));
}
