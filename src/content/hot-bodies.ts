/** Small bodies that peers ask for again and again, held in memory with their digest. */

import { closeSync, openSync, readSync } from "node:fs";
import { isMissing } from "../base/errno.ts";
import { LIMITS } from "../base/limits.ts";
import { makeMemo } from "../base/memo.ts";
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

/**
 * At most `bytesMax` of content; what was used longest ago goes. `isSound` looks at what has just been read of a file,
 * with its digest; what is not is not held.
 */
export function makeHotBodies(
  bytesMax: number,
  isSound: (meta: VariantMeta, read: HotBody) => boolean,
): HotBodies {
  const held = new Map<string, HotBody & { readonly validator: string }>();
  const asked = makeMemo<true>(LIMITS.hotBodiesAskedMax);
  let heldBytes = 0;

  const drop = (relname: string): void => {
    heldBytes -= held.get(relname)?.bytes.length ?? 0;
    held.delete(relname);
  };

  return (meta, path) => {
    const { relname, validator, bytes } = meta;
    if (bytes > LIMITS.hotBodyBytesMax || bytes > bytesMax) return undefined;
    const known = held.get(relname);
    if (known !== undefined) {
      const same = known.validator === validator && known.bytes.length === bytes;
      drop(relname);
      if (same) return keep(relname, known);
    }
    if (asked.get(relname) === undefined) {
      asked.set(relname, true);
      return undefined;
    }
    const read = readWhole(path, bytes);
    if (read === undefined) return undefined;
    const body = { bytes: read, xxh64: digestOf(read), validator };
    return isSound(meta, body) ? keep(relname, body) : undefined;
  };

  /** As the one used last. */
  function keep(relname: string, body: HotBody & { readonly validator: string }): HotBody {
    held.set(relname, body);
    heldBytes += body.bytes.length;
    for (const oldest of held.keys()) {
      if (heldBytes <= bytesMax) break;
      drop(oldest);
    }
    return body;
  }
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
