/** A live slot as a checkpoint keeps it: how many cells its name has, its words, those of its cells, its file's digest. */

import { CELL_WORDS } from "./layout.ts";
import { copyCells } from "./names.ts";
import { regionOf, SLOT_WORDS, type View, wordIn } from "./view.ts";

/** Words in front of those of the slot. */
const LEAD_WORDS = 1;
const DIGEST_WORDS = 2;

/** No image has more words: cells for the longest id. */
export const IMAGE_WORDS_MAX = LEAD_WORDS + SLOT_WORDS + DIGEST_WORDS + 8 * CELL_WORDS;

/** An image among others; `step` makes it the next one. */
export interface SlotImage {
  readonly words: Int32Array;
  /** Where the slot's own words begin; its cells follow. */
  at: number;
  cells: number;
  digestHigh: number;
  digestLow: number;
  /** Where the next image begins. */
  end: number;
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

/** Before the first image of a payload. */
export function beforeImages(words: Int32Array): SlotImage {
  return { words, at: 0, cells: 0, digestHigh: 0, digestLow: 0, end: 0 };
}

/** On to the next image, in place: there are millions. False when there is none. */
export function stepImage(image: SlotImage): boolean {
  const { words, end } = image;
  if (end >= words.length) return false;
  const cells = words[end] ?? 0;
  image.cells = cells;
  image.at = end + LEAD_WORDS;
  const digestAt = image.at + SLOT_WORDS + cells * CELL_WORDS;
  image.digestHigh = words[digestAt] ?? 0;
  image.digestLow = words[digestAt + 1] ?? 0;
  image.end = digestAt + DIGEST_WORDS;
  return true;
}
