/** Names for benches of the index, and an index full of them. */

import { OCTET, STATE } from "../../src/cache/layout.ts";
import { takeSlot } from "../../src/cache/slots.ts";
import { firstHash, secondHash, setSlotOctet, type View } from "../../src/cache/view.ts";

export const SIZES = ["orig", "xs", "sm", "md", "lg", "xl"] as const;
/** Keys made at a time: few enough to lie in the processor's caches, as a request's own key does. */
export const BATCH = 2000;

export function nameOf(n: number): string {
  const id = `pic${n.toString(36).padStart(6, "0")}`;
  return `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/md/${id}.jpg`;
}

/** Numbers below `count`, all as likely. */
export function makePick(seed: number, count: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % count;
  };
}

/** Strings that have no hash yet and lie in one piece, as a parsed request has them. */
export function freshKeys(pick: () => number): string[] {
  return Array.from({ length: BATCH }, () => Buffer.from(nameOf(pick())).toString("latin1"));
}

export function fill(view: View, variants: number): void {
  for (let n = 0; n < variants; n++) {
    const relname = nameOf(n);
    const key = { h1: firstHash(view, relname), h2: secondHash(view, relname) };
    const variant = { id: relname.slice(12, -4), size: "md", ext: "jpg" };
    const content = { bytes: 12_345, modified: 1_700_000_000, width: 0, height: 0, flags: 0 };
    const validator = { validatorHigh: n, validatorLow: Math.imul(n, 0x9e3779b1) };
    const slot = takeSlot(view, { ...key, variant }, { ...content, ...validator }, 0);
    setSlotOctet(view, slot, OCTET.state, STATE.live);
  }
}
