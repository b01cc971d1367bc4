/** Small bodies that peers ask for again and again, held in memory with their digest. */

import { closeSync, openSync, readSync } from "node:fs";
import { isMissing } from "../base/errno.ts";
import { LIMITS } from "../base/limits.ts";
import { makeMemo } from "../base/memo.ts";
import { makeRoom } from "../base/second-chance.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { VariantMeta } from "../base/variant.ts";
import { digestOf } from "../wire/xxhash.ts";

export interface HotBody {
  /** Never written again. */
  readonly bytes: Uint8Array;
  /** Of these very bytes, taken when they were read. */
  readonly xxh64: string;
}

/**
 * `meta` is what the index has just said of the variant: it vouches for what is held, so that nobody need tell
 * of what was evicted or purged. undefined: it is to be read from `path`, as it is too large, was not asked for
 * lately, or cannot be read here.
 */
export type HotBodies = (meta: VariantMeta, path: string) => HotBody | undefined;

interface Place extends HotBody {
  readonly validator: string;
  /** Asked for since the last newcomer came by. */
  used: boolean;
}

/**
 * At most `bytesMax` of content. Second chance, in the order of admission: where more is asked for than there is room,
 * what is held stays held, and a newcomer is not even read, so that bodies do not pass through memory one after the
 * other (bench/soak.ts). `isSound` looks at what has just been read of a file, with its digest; what is not is not held.
 */
export function makeHotBodies(
  bytesMax: number,
  isSound: (meta: VariantMeta, read: HotBody) => boolean,
): HotBodies {
  const held = new TurnoverMap<string, Place>();
  const asked = makeMemo<true>(LIMITS.hotBodiesAskedMax);
  let heldBytes = 0;

  const drop = (relname: string, { bytes }: Place): void => {
    heldBytes -= bytes.length;
    held.delete(relname);
  };

  /** False: all that were looked at are in use. */
  const roomFor = (wanted: number): boolean =>
    makeRoom(held, { fits: () => heldBytes + wanted <= bytesMax, stands: () => true, drop });

  return (meta, path) => {
    const { relname, validator, bytes } = meta;
    if (bytes > LIMITS.hotBodyBytesMax || bytes > bytesMax) return undefined;
    const known = held.get(relname);
    if (known?.validator === validator && known.bytes.length === bytes) {
      known.used = true;
      return known;
    }
    if (known !== undefined) drop(relname, known);
    if (asked.get(relname) === undefined) {
      asked.set(relname, true);
      return undefined;
    }
    const read = roomFor(bytes) ? readWhole(path, bytes) : undefined;
    if (read === undefined) return undefined;
    const place = { bytes: read, xxh64: digestOf(read), validator, used: false };
    if (!isSound(meta, place)) return undefined;
    held.set(relname, place);
    heldBytes += read.length;
    return place;
  };
}

/** undefined for a file that has gone or has another length: who sends it finds out, and says so. */
function readWhole(path: string, bytes: number): Uint8Array | undefined {
  const room = new Uint8Array(bytes + 1);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return readSync(fd, room, 0, room.length, 0) === bytes ? room.subarray(0, bytes) : undefined;
  } finally {
    closeSync(fd);
  }
}
