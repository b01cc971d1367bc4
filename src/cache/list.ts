/** Walks the index bit by bit, for work in the background that looks at every variant. */

import type { VariantMeta } from "../base/variant.ts";
import { STATE, WORD } from "./layout.ts";
import { foundDoubtful, lookUp } from "./look.ts";
import { nameOf } from "./names.ts";
import { stateOf } from "./slots.ts";
import { slotWord, type View } from "./view.ts";

export interface Listed {
  readonly metas: readonly VariantMeta[];
  /** Where to go on; undefined at the end of the walk. */
  readonly next: number | undefined;
}

/**
 * The live variants of `slotsMax` places of the index, from 0 on. A cursor is good for this run of the node: names
 * lie elsewhere after a restart. Lock-free, and nothing is counted: a name that is read while its place is being
 * rewritten is looked up like a request's, so what is given out was whole. A variant that stays here for the
 * whole walk is met once; one that comes or goes meanwhile may be met or not.
 */
export function listVariants(view: View, from: number, slotsMax: number): Listed {
  const end = Math.min(view.slots, from + Math.max(1, slotsMax));
  const metas: VariantMeta[] = [];
  for (let slot = from; slot < end; slot++) {
    if (slotWord(view, slot, WORD.h1) === 0 || stateOf(view, slot) !== STATE.live) continue;
    const meta = lookUp(view, nameOf(view, slot), false);
    // what is in doubt is met on a later walk, when somebody has looked at it
    if (meta !== undefined && !foundDoubtful(view)) metas.push(meta);
  }
  return { metas, next: end < view.slots ? end : undefined };
}
