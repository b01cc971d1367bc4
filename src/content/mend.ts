/** What cannot be decoded may be damaged or outdated on this disk: then it is brought here again, and tried once more. */

import { asFault, type FaultCode } from "../base/fault.ts";
import { relnameOf } from "../base/variant.ts";
import type { Context } from "./context.ts";
import type { Parts } from "./parts.ts";
import { keptOriginal, wasReplaced } from "./replaced.ts";

const MAY_BE_THE_DISK: ReadonlySet<FaultCode> = new Set([
  "undecodable",
  "unsupported_image",
  "image_failed",
]);

/**
 * Runs the work a second time where files of the id on this disk turn out to be damaged, or the original to be
 * another one by now; they are out of the way by then.
 */
export async function mended<T>(
  parts: Parts,
  { id, context }: { readonly id: string; readonly context: Context },
  work: () => Promise<T>,
): Promise<T> {
  const kept = keptOriginal(parts, id);
  try {
    return await work();
  } catch (error) {
    const fault = asFault(error);
    const damaged = MAY_BE_THE_DISK.has(fault.code) && (await hadDamaged(parts, id));
    const mayWork = damaged || (kept && (await wasReplaced(parts, context, { id, kept, fault })));
    if (mayWork !== true) throw error;
    return work();
  }
}

async function hadDamaged({ cache, local }: Pick<Parts, "cache" | "local">, id: string) {
  let damaged = false;
  for (const { meta } of local.variants(id)) {
    if ((await cache.inspect(meta.relname)) === "damaged") damaged = true;
  }
  return damaged;
}

/** After a crash: large files of the id that are in doubt are read before anything is looked up; undefined without doubt. */
export function settleId(
  { cache, local }: Pick<Parts, "cache" | "local">,
  id: string,
): Promise<void> | undefined {
  if (!cache.inDoubt()) return undefined;
  const waits = local.namesOf(id).flatMap((name) => cache.settle(relnameOf(name)) ?? []);
  return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
}
