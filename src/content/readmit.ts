/** Originals on this disk whose records were lost: taken in again when the level below, or the store, says what proves their bytes. */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, FAULTS } from "../base/fault.ts";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import type { Stray } from "../cache/reconcile.ts";
import { makeDigest } from "../wire/xxhash.ts";
import { startContext } from "./context.ts";
import { unlinkQuietly } from "./fill.ts";
import type { Parts } from "./parts.ts";
import { publishFresh } from "./publish-fresh.ts";
import { askBelow } from "./upstream.ts";

const PIECE_BYTES = 1 << 20;
const PAUSE_PIECE_MS = 200;

export interface Readmitted {
  readonly kept: number;
  /** Not there below, other bytes, or nothing that would prove them: unlinked. */
  readonly removed: number;
}

/**
 * One after the other, until `stopping`. A validator proves the bytes where it is made of them: that of an upload is
 * their xxHash64, and that of a store is made of its ETag, which for most objects is their MD5. Anything else is
 * unlinked: it is fetched when somebody asks for it.
 */
export async function readmitOriginals(
  parts: Parts,
  relnames: readonly string[],
  stopping: () => boolean,
): Promise<Readmitted> {
  let kept = 0;
  let removed = 0;
  for (let left = relnames; left.length > 0 && !stopping(); ) {
    const later: string[] = [];
    for (const relname of left) {
      if (stopping()) break;
      const meta = await metaBelow(parts, relname);
      if (meta === "later") later.push(relname);
      // only now is the file touched: somebody may have published under its name meanwhile
      const stray = meta === "later" ? undefined : parts.cache.takeStray(relname);
      if (stray === undefined || meta === "later") continue;
      if (meta !== undefined && (await takeIn(parts, meta, stray))) kept++;
      else removed++;
      stray.room?.release();
      unlinkQuietly(stray.path);
    }
    left = later;
    if (left.length > 0) await pause(DEADLINES.readmitPauseMs, stopping);
  }
  parts.log.info("cache.readmitted", { dir: parts.self.cacheDir, kept, removed });
  return { kept, removed };
}

/** undefined when it is not there below, or under another name; "later" when nobody can say now. */
async function metaBelow(
  parts: Parts,
  relname: string,
): Promise<VariantMeta | "later" | undefined> {
  const wanted = parseRelname(relname);
  if (wanted === undefined) return undefined;
  const context = startContext(parts.clock, { originalExt: wanted.ext });
  const sourceAt = parts.clock.wallSeconds();
  try {
    const below = await askBelow(parts, context, { wanted, head: true });
    if (below !== undefined) {
      below.reply.body.cancel();
      const { meta } = below.reply;
      return meta.relname === relname ? meta : undefined;
    }
    const deadlineMs = context.deadlineAt - parts.clock.monotonicMs();
    const found = await parts.origin?.open(wanted.id, { ext: wanted.ext, deadlineMs });
    if (found === undefined) return undefined;
    found.body.cancel();
    const { bytes, validator, modified } = found;
    const facts = { width: 0, height: 0, alpha: false, animated: false };
    return { relname, bytes, validator, modified, facts, lossySteps: 0, sourceAt };
  } catch (error) {
    const fault = asFault(error);
    parts.log.debug("cache.not_confirmed", { relname, fault });
    return FAULTS[fault.code].retry ? "later" : undefined;
  }
}

/** In pieces, so that a stop is heard. */
async function pause(waitMs: number, stopping: () => boolean): Promise<void> {
  for (let left = waitMs; left > 0 && !stopping(); left -= PAUSE_PIECE_MS) {
    await Bun.sleep(Math.min(PAUSE_PIECE_MS, left));
  }
}

async function takeIn(parts: Parts, meta: VariantMeta, stray: Stray): Promise<boolean> {
  const { room, path: temp } = stray;
  if (room === undefined) return false;
  const found = await digestsOf(temp);
  if (found === undefined || found.bytes !== meta.bytes) return false;
  if (!proves(meta, found)) return false;
  return publishFresh(parts, { room, temp, meta, digest: found.xxh64 }) === "published";
}

function proves(
  { validator, bytes, modified }: VariantMeta,
  { md5, xxh64 }: { readonly md5: string; readonly xxh64: string },
): boolean {
  const ofStore = Bun.hash.xxHash64(`"${md5}"\n${bytes}\n${modified}`);
  return validator === xxh64 || validator === ofStore.toString(16).padStart(16, "0");
}

/** In turns, since it may be large; undefined when it cannot be read. */
async function digestsOf(path: string) {
  const md5 = createHash("md5");
  const xxh64 = makeDigest();
  const piece = new Uint8Array(PIECE_BYTES);
  let bytes = 0;
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    for (let got = readSync(fd, piece, 0, PIECE_BYTES, 0); got > 0; ) {
      md5.update(piece.subarray(0, got));
      xxh64.update(piece.subarray(0, got));
      bytes += got;
      await setImmediate();
      got = readSync(fd, piece, 0, PIECE_BYTES, bytes);
    }
    return { bytes, md5: md5.digest("hex"), xxh64: xxh64.hex() };
  } catch {
    // a disk that does not bring it: it is unlinked
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
