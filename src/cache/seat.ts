/** Where in the index a variant was found, so that a thread that holds a copy can see in a few loads that it still stands. */

import type { VariantMeta } from "../base/variant.ts";
import { OCTET, STATE, WORD } from "./layout.ts";
import { countAccess, foundDoubtful, lookUp, versionOf } from "./look.ts";
import { findSlot } from "./slots.ts";
import { firstHash, regionOf, secondHash, type View, wordIn } from "./view.ts";

export interface Seat {
  /** In which of several directories; 0 for the only one. */
  readonly disk: number;
  readonly slot: number;
  readonly h1: number;
  readonly h2: number;
  /** A slot that was freed or rewritten has another; the validator tells those apart that went all the way round. */
  readonly version: number;
  readonly validatorHigh: number;
  readonly validatorLow: number;
}

/** undefined: this very variant is not here now. */
export function seatOf(view: View, meta: VariantMeta): Seat | undefined {
  const h1 = firstHash(view, meta.relname);
  const h2 = secondHash(view, meta.relname);
  const slot = findSlot(view, h1, h2, meta.relname);
  if (slot < 0) return undefined;
  const { words, halves } = regionOf(view, slot);
  const at = wordIn(view, slot);
  const seat: Seat = {
    ...{ disk: 0, slot, h1, h2, version: versionOf(halves, at) },
    validatorHigh: words[at + WORD.validatorHigh] ?? 0,
    validatorLow: words[at + WORD.validatorLow] ?? 0,
  };
  const here = lookUp(view, meta.relname, false);
  // looked at after the seat was taken, and before it is found unchanged: they are of one moment
  const same = here?.validator === meta.validator && here.bytes === meta.bytes;
  return same && !foundDoubtful(view) && stands(view, seat) ? seat : undefined;
}

/**
 * Whether the variant is live where it was. Plain loads: an eviction, a purge or a rewrite by whatever thread is seen
 * as soon as its stores are, which is before anybody is told of it.
 */
export function stands(view: View, seat: Seat): boolean {
  const { words, halves, octets } = regionOf(view, seat.slot);
  const at = wordIn(view, seat.slot);
  return (
    versionOf(halves, at) === seat.version &&
    seat.version % 2 === 0 &&
    words[at + WORD.h1] === seat.h1 &&
    words[at + WORD.h2] === seat.h2 &&
    words[at + WORD.validatorHigh] === seat.validatorHigh &&
    words[at + WORD.validatorLow] === seat.validatorLow &&
    octets[at * 4 + OCTET.state] === STATE.live
  );
}

/** An access like that of `look`, so that what is answered from memory does not look unused on disk. */
export function countAt(view: View, { slot }: Seat): void {
  countAccess(view, regionOf(view, slot), wordIn(view, slot));
}
