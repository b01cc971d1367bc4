/** A live slot as a checkpoint keeps it: how many cells its name has, its words, those of its cells, its file's digest. */

import { CELL_WORDS } from "./layout.ts";
import { copyCells } from "./names.ts";
import { regionOf, SLOT_WORDS, type View, wordIn } from "./view.ts";

/** Words in front of those of the slot. */
const LEAD_WORDS = 1;
const DIGEST_WORDS = 2;

/** No image has more words: cells for the longest id. */
export const IMAGE_WORDS_MAX = LEAD_WORDS + SLOT_WORDS + DIGEST_WORDS + 8 * CELL_WORDS;

export interface SlotImage {
  readonly words: Int32Array;
  /** Where the slot's own words begin; its cells follow. */
  readonly at: number;
  readonly cells: number;
  readonly digestHigh: number;
  readonly digestLow: number;
}

/** Writes the image of a slot; how many words it has. Under the lock. */
export function copyImage(
  view: View,
  slot: number,
  digests: Int32Array,
  to: { readonly words: Int32Array; readonly at: number },
): number {
  const { words, at } = to;
  const from = wordIn(view, slot);
  const { words: region } = regionOf(view, slot);
  const start = at + LEAD_WORDS;
  for (let i = 0; i < SLOT_WORDS; i++) words[start + i] = region[from + i] ?? 0;
  const cells = copyCells(view, slot, words, start + SLOT_WORDS);
  const end = start + SLOT_WORDS + cells * CELL_WORDS;
  words[at] = cells;
  words[end] = digests[slot * 2] ?? 0;
  words[end + 1] = digests[slot * 2 + 1] ?? 0;
  return end + DIGEST_WORDS - at;
}

/** The images of a payload, one after the other. */
export function* imagesIn(words: Int32Array): Generator<SlotImage> {
  for (let at = 0; at < words.length; ) {
    const cells = words[at] ?? 0;
    const start = at + LEAD_WORDS;
    const end = start + SLOT_WORDS + cells * CELL_WORDS;
    yield {
      words,
      at: start,
      cells,
      digestHigh: words[end] ?? 0,
      digestLow: words[end + 1] ?? 0,
    };
    at = end + DIGEST_WORDS;
  }
}
