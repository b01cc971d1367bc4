/** Takes an upload into custody: kept here, durable, pinned, and written down to be handed on (spec §2 step 3). */

import { DEADLINES } from "../base/deadlines.ts";
import { syncFileAsync } from "../base/durable.ts";
import { asFault, Fault } from "../base/fault.ts";
import { type Facts, relnameOf, type VariantMeta } from "../base/variant.ts";
import { startContext } from "./context.ts";
import { loadVariant } from "./load.ts";
import { originalOf } from "./original.ts";
import type { OutboxRecord } from "./outbox-record.ts";
import type { Parts } from "./parts.ts";
import { sha256OfFile, sha256OfServed } from "./sha256.ts";
import type { Spooled } from "./spool.ts";
import { isLowest } from "./upstream.ts";

/** An original on its way into the mesh, whole and looked at. */
export interface Arrival {
  readonly id: string;
  readonly ext: string;
  readonly file: Spooled;
  readonly facts: Facts;
  /** Unix seconds. */
  readonly modified: number;
  /** The levels below may know other bytes under this id; false when the id was made from the bytes. */
  readonly look: boolean;
  /** Whoever handed it on could not look. */
  readonly unchecked: boolean;
  readonly webId: string | undefined;
}

export interface Kept {
  /** False: the same bytes were here, or below, already. */
  readonly created: boolean;
  /** `done`: the levels below, or the store, have it. */
  readonly propagated: "queued" | "done";
}

/** Rounds of "it is not here" and "it is here already" with another upload of the same id. */
const ROUNDS_MAX = 3;

/**
 * The id that bytes without a name get: the first 32 characters of base64url(SHA-256) (spec §2 step 2).
 * `sha256` is hex.
 */
export function idOfBytes(sha256: string): string {
  return Buffer.from(sha256, "hex").toString("base64url").slice(0, 32);
}

/**
 * Durable when it resolves. Throws `conflict` for other bytes under a known id, `overloaded` above the share
 * that may be pinned or with a full outbox. The arrival's file is used up, or left to its spool.
 */
export async function keepUpload(parts: Parts, arrival: Arrival): Promise<Kept> {
  parts.purged.refuseBlocked(arrival.id);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const kept = (await asFound(parts, arrival)) ?? (await asNew(parts, arrival));
    if (kept === "again") continue;
    const { id, webId } = arrival;
    await parts.announce({ ids: [id], webIds: webId === undefined ? [] : [webId] });
    if (kept.propagated === "queued") parts.counters.add("upload_kept");
    return kept;
  }
  throw busy("the same picture is being uploaded by others");
}

/** The id is known on this disk. */
async function asFound(parts: Parts, arrival: Arrival): Promise<Kept | undefined> {
  const meta = parts.local.look(originalOf(arrival.id, arrival.ext));
  if (meta === undefined) return undefined;
  const found = await sha256OfFile(parts.cache.pathOf(meta.relname));
  if (found === undefined) {
    parts.cache.forget(meta.relname);
    return undefined;
  }
  const { sha256 } = arrival.file;
  if (meta.bytes !== arrival.file.bytes || found !== sha256) {
    // other bytes than were stored, that is: what the disk has spoiled is no reason to refuse the right ones
    if ((await parts.cache.inspect(meta.relname)) === "damaged") return undefined;
    throw conflict();
  }
  // it may be here because an earlier try was cut off before it was acknowledged
  // nobody has looked for this one, and that try may not have been able to
  const unchecked = arrival.look || arrival.unchecked;
  await parts.custody({ record: recordOf(parts, meta, { sha256, unchecked }), file: "found" });
  return { created: false, propagated: "queued" };
}

async function asNew(parts: Parts, arrival: Arrival): Promise<Kept | "again"> {
  const { cache } = parts;
  const { file } = arrival;
  if (!cache.pinnable(file.bytes)) throw busy("too many uploads wait to be handed on");
  const below = arrival.look ? await lookBelow(parts, arrival) : "absent";
  if (below === "there") return { created: false, propagated: "done" };
  const unchecked = arrival.unchecked || below === "unknown";
  await syncFileAsync(file.path);
  const meta = metaOfArrival(arrival);
  const published = cache.publish(file.reservation, file.path, meta, {
    pinned: true,
    digest: file.xxh64,
  });
  if (published === "refused") throw busy("the picture could not be kept");
  // its file is gone, but the one that was quicker is there to be compared with
  if (published === "already") return (await asFound(parts, arrival)) ?? "again";
  parts.fills.uploaded(meta);
  parts.counters.add("upload_bytes", meta.bytes);
  const { sha256 } = file;
  await parts.custody({ record: recordOf(parts, meta, { sha256, unchecked }), file: "fresh" });
  return { created: true, propagated: "queued" };
}

/**
 * Whether the levels below have these bytes under this id. Throws `conflict` when they have others. When they
 * cannot say, the upload is taken: it is compared once more before it is put into the store, where nothing is
 * overwritten, and what clashes is set aside.
 */
async function lookBelow(parts: Parts, arrival: Arrival): Promise<"there" | "absent" | "unknown"> {
  const { id, file } = arrival;
  const context = startContext(parts.clock, { budgetMs: DEADLINES.uploadLookMs });
  try {
    const name = originalOf(id);
    const served = await loadVariant(parts, { name, context, whole: true, bytesMax: file.bytes });
    if ((await sha256OfServed(served)) === file.sha256) return "there";
  } catch (error) {
    const fault = asFault(error);
    if (fault.code === "not_found") return "absent";
    if (fault.code !== "image_too_large") {
      parts.log.warn("upload.unchecked", { id, fault, effect: "a clash would show at the store" });
      return "unknown";
    }
  }
  throw conflict();
}

/** Its validator is minted here, once (spec §2 "Validators"). */
export function metaOfArrival(arrival: Arrival): VariantMeta {
  const { id, ext, file, facts, modified } = arrival;
  const relname = relnameOf(originalOf(id, ext));
  return { relname, bytes: file.bytes, validator: file.xxh64, modified, facts, lossySteps: 0 };
}

function recordOf(
  parts: Parts,
  meta: VariantMeta,
  { sha256, unchecked }: { readonly sha256: string; readonly unchecked: boolean },
): OutboxRecord {
  const next = isLowest(parts) ? ("store" as const) : ("level" as const);
  return { ...meta, sha256, next, createdAt: parts.clock.wallSeconds(), unchecked };
}

function conflict(): Fault {
  return new Fault("conflict", "other bytes are stored under this id");
}

function busy(message: string): Fault {
  return new Fault("overloaded", message, { retryAfterMs: 1000 });
}
