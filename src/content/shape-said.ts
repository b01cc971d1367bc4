/** Whether two nodes mean the same by a size: during a rolling restart for other classes they may not. */

import { ORIG, parseRelname } from "../base/variant.ts";
import { shapeText } from "../image/fit.ts";
import type { Parts } from "./parts.ts";

/** What this node tells of a variant's size; nothing of an original, which is the same everywhere. */
export function shapeSaid(
  { topology }: Pick<Parts, "topology">,
  relname: string,
): string | undefined {
  const size = parseRelname(relname)?.size;
  return size === undefined || size === ORIG ? undefined : shapeText(topology, size);
}

/** Whether a peer's variant is not what is meant here by its size; counts it. Who does not tell is believed. */
export function isOtherShape(
  parts: Pick<Parts, "topology" | "counters">,
  { relname, shape }: { readonly relname: string; readonly shape: string | undefined },
): boolean {
  const isOther = shape !== undefined && shape !== shapeSaid(parts, relname);
  if (isOther) parts.counters.add("shape_mismatch");
  return isOther;
}
