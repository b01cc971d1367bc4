/** A kept original that is no picture is not believed for ever: it may have been read while it was being written. */

import { asFault, type Fault, type FaultCode } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import { spanOf } from "../observe/trace.ts";
import { type Context, remainingMs, withinDeadline } from "./context.ts";
import { originalOf } from "./original.ts";
import type { Parts } from "./parts.ts";
import { reachAll } from "./purge-reach.ts";
import { isLowest } from "./upstream.ts";

/** Bytes of which nothing can be made here; a picture that is too large is one all the same. */
const NO_PICTURE: ReadonlySet<FaultCode> = new Set([
  "undecodable",
  "unsupported_image",
  "heic_unsupported",
]);

/** What is kept of the original before it is worked on; one that comes meanwhile is as new as can be. */
export function keptOriginal({ local }: Pick<Parts, "local">, id: string): VariantMeta | undefined {
  return local.peek(originalOf(id));
}

/**
 * Whether the work that failed may end otherwise now: the kept original is gone, here and, where the origin has
 * another one by now, on all other nodes. At most one look at the origin in the life of a refusal, with time of the
 * request; one that is pinned may be the only copy and stays.
 */
export async function wasReplaced(
  parts: Parts,
  context: Context,
  failed: { readonly id: string; readonly kept: VariantMeta; readonly fault: Fault },
): Promise<boolean> {
  const { cache, local } = parts;
  const { id, kept, fault } = failed;
  if (!NO_PICTURE.has(fault.code)) return false;
  // another load was faster
  if (isOther(kept, keptOriginal(parts, id))) return true;
  if (!isLowest(parts)) {
    // without facts it was the level below that failed; with them that one has not tried yet
    return local.facts(id) !== undefined && cache.forget(kept.relname);
  }
  if (cache.pinned().includes(kept.relname)) return false;
  if (!(await differsAtOrigin(parts, context, failed))) return false;
  if (!isOther(kept, keptOriginal(parts, id))) await purgeEverywhere(parts, context, id);
  return true;
}

async function differsAtOrigin(
  { origin, negatives, clock, log }: Parts,
  context: Context,
  { id, kept, fault }: { readonly id: string; readonly kept: VariantMeta; readonly fault: Fault },
): Promise<boolean> {
  const looked = `${id}/origin`;
  if (origin === undefined || negatives.look(looked) !== undefined) return false;
  try {
    const { originalExt, tracing } = context;
    const found = await spanOf(tracing, "origin", () =>
      origin.open(id, {
        deadlineMs: remainingMs(context, clock),
        ...(originalExt === undefined ? {} : { ext: originalExt }),
        ...(tracing === undefined ? {} : { traceparent: tracing.traceparent }),
      }),
    );
    found.body.cancel();
    if (isOther(kept, found)) return true;
  } catch (error) {
    log.debug("cache.not_compared", { id, fault: asFault(error) });
  }
  negatives.keep(looked, fault);
  return false;
}

function isOther(
  kept: VariantMeta,
  found: Pick<VariantMeta, "bytes" | "validator"> | undefined,
): boolean {
  return found?.bytes !== kept.bytes || found.validator !== kept.validator;
}

/** As an operator would; who cannot be told now asks for what it missed. */
async function purgeEverywhere(parts: Parts, context: Context, id: string): Promise<void> {
  const { clock, log } = parts;
  log.warn("the origin has another original than the one that could not be decoded", { id });
  const entries = [{ id, purgedAt: clock.wallSeconds(), action: "purge" as const }];
  await withinDeadline(context, clock, parts.purge({ entries, hops: 0 }));
  void reachAll(parts, entries);
}
