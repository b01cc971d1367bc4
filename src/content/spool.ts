/** A file that comes in from outside: written, hashed and paid for piece by piece, within its limit. */

import { closeSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Cache } from "../cache/cache.ts";
import type { Reservation } from "../cache/reservation.ts";
import type { OpenFile } from "../cache/temps.ts";
import { SNIFF_BYTES } from "../image/sniff.ts";
import { makeDigest } from "../wire/xxhash.ts";
import { unlinkQuietly } from "./fill.ts";
import { noRoom, unwritable, writeFault } from "./write-fault.ts";

/** What is known of the file once it is whole. */
export interface Spooled {
  readonly path: string;
  readonly reservation: Reservation;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly xxh64: string;
  /** At most the first `SNIFF_BYTES`. */
  readonly head: Uint8Array;
}

/** Disposing removes the file, unless it has been published, and gives its room back. */
export interface Spool extends Disposable {
  /** Throws `upload_too_large` beyond the limit, `disk_full` when there is no room, `unwritable`. The bytes are not kept. */
  write(chunk: Uint8Array): void;
  finish(): Spooled;
}

/** `bytes` is the length where it is known: its room is taken at once. Throws `disk_full`, `unwritable`. */
export function openSpool(
  cache: Cache,
  options: {
    readonly bytesMax: number;
    readonly bytes?: number;
    /** The content id, where it is known. */
    readonly id?: string | undefined;
  },
): Spool {
  const { bytesMax, bytes: announced = 0, id } = options;
  if (announced > bytesMax) throw tooLarge(bytesMax);
  const reservation = cache.reserve(announced, id);
  if (reservation === undefined) throw cache.usage().unwritable ? unwritable() : noRoom();
  const file = cache.openTemp(reservation);
  if (file === undefined) {
    reservation.release();
    throw unwritable();
  }
  const { path } = file;
  const sha256 = new Bun.CryptoHasher("sha256");
  const xxh64 = makeDigest();
  const head = new Uint8Array(SNIFF_BYTES);
  let fd: number | undefined = file.fd;
  let bytes = 0;

  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  return {
    write(chunk) {
      if (fd === undefined) throw new Fault("internal", "written after its end");
      const end = bytes + chunk.length;
      if (end > bytesMax) throw tooLarge(bytesMax);
      const lacking = end - reservation.bytes;
      if (lacking > 0 && !growBy(reservation, lacking, bytesMax)) throw noRoom();
      if (bytes < head.length) head.set(chunk.subarray(0, head.length - bytes), bytes);
      writeWhole(cache, file, { chunk, position: bytes });
      sha256.update(chunk);
      xxh64.update(chunk);
      bytes = end;
    },
    finish() {
      close();
      const seen = head.subarray(0, Math.min(bytes, head.length));
      const digests = { sha256: sha256.digest("hex"), xxh64: xxh64.hex() };
      return { path, reservation, bytes, ...digests, head: seen };
    },
    [Symbol.dispose]() {
      close();
      unlinkQuietly(path);
      reservation.release();
    },
  };
}

/** In steps, so that the index is not asked for each piece. */
function growBy(reservation: Reservation, lacking: number, bytesMax: number): boolean {
  const left = Math.max(lacking, bytesMax - reservation.bytes);
  const step = Math.min(left, Math.max(lacking, LIMITS.uploadRoomStepBytes));
  return reservation.grow(step);
}

function writeWhole(
  cache: Cache,
  file: OpenFile,
  { chunk, position }: { readonly chunk: Uint8Array; readonly position: number },
): void {
  try {
    cache.writeTemp(file, chunk, position);
  } catch (error) {
    cache.noteTrouble(error, file.path);
    throw writeFault(error);
  }
}

function tooLarge(bytesMax: number): Fault {
  return new Fault("upload_too_large", `a picture may have ${bytesMax} bytes`);
}
