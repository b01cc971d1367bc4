/** Names inside slots: the id packed as `readKey` packs it, its end in cells of the arena where it is long. */

import { Fault } from "../base/fault.ts";
import { ORIGINAL_EXTS, relnameOf, type Variant } from "../base/variant.ts";
import { KEY, readKey, unpackId } from "./key.ts";
import {
  CELL_CHARS,
  CELL_WORDS,
  HEADER,
  INLINE_CHARS_LONG,
  INLINE_CHARS_MAX,
  OCTET,
  WORD,
} from "./layout.ts";
import {
  addWord,
  regionOf,
  setSlotOctet,
  setSlotWord,
  slotOctet,
  slotWord,
  type View,
  word,
  wordIn,
} from "./view.ts";

/** Words of an id that lie in its slot when they all do. */
const INLINE_WORDS = 4;
/** A cell's words behind its link. */
const CELL_STRIDE = CELL_WORDS + 1;

/** Whether a slot has the name in `view.key`. Wrong only while the slot is being rewritten. */
export function hasKey(view: View, slot: number): boolean {
  const { words } = regionOf(view, slot);
  return sameName(view, words, wordIn(view, slot));
}

/** The same for the slot that begins at `at` of its region. */
export function sameName(view: View, words: Int32Array, at: number): boolean {
  const { key } = view;
  const kind = key[KEY.kind] ?? 0;
  if ((words[at + WORD.kind] ?? 0) >>> 8 !== kind) return false;
  if (words[at + WORD.id] !== key[KEY.id]) return false;
  if (words[at + WORD.id + 1] !== key[KEY.id + 1]) return false;
  if (words[at + WORD.id + 2] !== key[KEY.id + 2]) return false;
  const chars = kind >>> 16;
  if (chars <= INLINE_CHARS_MAX) return words[at + WORD.id + 3] === key[KEY.id + 3];
  return sameCells(view, (words[at + WORD.cell] ?? 0) - 1, chars);
}

function sameCells(view: View, first: number, chars: number): boolean {
  let cell = first;
  let k = KEY.id + CELL_WORDS;
  for (let done = INLINE_CHARS_LONG; done < chars; done += CELL_CHARS, k += CELL_WORDS) {
    if (cell < 0 || cell >= word(view, HEADER.arenaCells)) return false;
    const words = cellsIn(view, cell);
    const at = (cell & view.regionMask) * CELL_STRIDE;
    for (let i = 0; i < CELL_WORDS; i++) {
      // words behind the end of the id may be of an earlier key
      if (done + i * 5 < chars && words[at + 1 + i] !== view.key[k + i]) return false;
    }
    cell = (words[at] ?? 0) - 1;
  }
  return true;
}

/** Whether a slot's size, ext and id are those of a relname. Wrong only while the slot is being rewritten. */
export function namesSlot(view: View, slot: number, relname: string): boolean {
  return readKey(view, relname) && hasKey(view, slot);
}

/** Arena cells an id of so many characters takes. */
export function cellsFor(chars: number): number {
  return chars <= INLINE_CHARS_MAX ? 0 : Math.ceil((chars - INLINE_CHARS_LONG) / CELL_CHARS);
}

/** Writes id, size and ext into a slot under the lock. False when the arena has no room or the size is not ours. */
export function writeName(view: View, slot: number, variant: Variant): boolean {
  if (!readKey(view, relnameOf(variant))) return false;
  const { key } = view;
  const chars = variant.id.length;
  const chain = takeCells(view, cellsFor(chars));
  if (chain === undefined) return false;
  const kind = key[KEY.kind] ?? 0;
  setSlotOctet(view, slot, OCTET.size, kind & 255);
  setSlotOctet(view, slot, OCTET.ext, (kind >>> 8) & 255);
  setSlotOctet(view, slot, OCTET.idChars, chars);
  const inline = chain === 0 ? INLINE_WORDS : CELL_WORDS;
  for (let i = 0; i < inline; i++) setSlotWord(view, slot, WORD.id + i, key[KEY.id + i] ?? 0);
  if (chain === 0) return true;
  setSlotWord(view, slot, WORD.cell, chain);
  let k = KEY.id + CELL_WORDS;
  for (let cell = chain - 1; cell >= 0; cell = linkOf(view, cell), k += CELL_WORDS) {
    const at = (cell & view.regionMask) * CELL_STRIDE;
    cellsIn(view, cell).set(key.subarray(k, k + CELL_WORDS), at + 1);
  }
  return true;
}

/** The relname of a taken slot, under the lock or by the slot's holder. */
export function nameOf(view: View, slot: number): string {
  const chars = slotOctet(view, slot, OCTET.idChars);
  const inline = chars <= INLINE_CHARS_MAX ? chars : INLINE_CHARS_LONG;
  let id = unpackId(regionOf(view, slot).words, wordIn(view, slot) + WORD.id, inline);
  for (const cell of cellsOf(view, slot)) {
    const count = Math.min(CELL_CHARS, chars - id.length);
    id += unpackId(cellsIn(view, cell), (cell & view.regionMask) * CELL_STRIDE + 1, count);
  }
  const size = view.sizes[slotOctet(view, slot, OCTET.size)] ?? "";
  const ext = ORIGINAL_EXTS[slotOctet(view, slot, OCTET.ext)] ?? "";
  return relnameOf({ id, size, ext });
}

/** The arena cells of a slot, in order. */
export function cellsOf(view: View, slot: number): number[] {
  const cells: number[] = [];
  const count = cellsFor(slotOctet(view, slot, OCTET.idChars));
  let cell = count === 0 ? -1 : slotWord(view, slot, WORD.cell) - 1;
  while (cells.length < count && cell >= 0 && cell < word(view, HEADER.arenaCells)) {
    cells.push(cell);
    cell = linkOf(view, cell);
  }
  return cells;
}

/** The names' part of a slot's cells, in order, for `pasteCells`; how many cells there were. */
export function copyCells(view: View, slot: number, to: Int32Array, at: number): number {
  const cells = cellsOf(view, slot);
  let place = at;
  for (const cell of cells) {
    const from = (cell & view.regionMask) * CELL_STRIDE + 1;
    to.set(cellsIn(view, cell).subarray(from, from + CELL_WORDS), place);
    place += CELL_WORDS;
  }
  return cells.length;
}

/** Fresh cells with that content: the first + 1, 0 for none wanted, undefined when the arena has not so many. */
export function pasteCells(
  view: View,
  from: Int32Array,
  at: number,
  count: number,
): number | undefined {
  const chain = takeCells(view, count);
  let place = at;
  for (let cell = (chain ?? 0) - 1; cell >= 0; cell = linkOf(view, cell)) {
    const to = (cell & view.regionMask) * CELL_STRIDE + 1;
    cellsIn(view, cell).set(from.subarray(place, place + CELL_WORDS), to);
    place += CELL_WORDS;
  }
  return chain;
}

/** Gives a slot's cells back; under the lock. */
export function freeName(view: View, slot: number): void {
  const cells = cellsOf(view, slot);
  for (const cell of cells) freeCell(view, cell);
  addWord(view, HEADER.arenaUsed, -cells.length);
}

export function freeCell(view: View, cell: number): void {
  setLink(view, cell, word(view, HEADER.arenaFree));
  view.words[HEADER.arenaFree] = cell + 1;
}

/** The cell behind this one, or -1. */
export function linkOf(view: View, cell: number): number {
  return (cellsIn(view, cell)[(cell & view.regionMask) * CELL_STRIDE] ?? 0) - 1;
}

/** Arena cells that no slot has. */
export function cellsFree(view: View): number {
  return word(view, HEADER.arenaCells) - word(view, HEADER.arenaUsed);
}

/** The buffer a cell lies in. */
function cellsIn(view: View, cell: number): Int32Array {
  const words = view.cells[cell >>> view.regionBits];
  if (words === undefined) throw new Fault("internal", `the cache index has no cell ${cell}`);
  return words;
}

function setLink(view: View, cell: number, next: number): void {
  cellsIn(view, cell)[(cell & view.regionMask) * CELL_STRIDE] = next;
}

/** First cell + 1 of a fresh chain, 0 for none wanted, undefined when the arena has not so many. */
function takeCells(view: View, count: number): number | undefined {
  if (cellsFree(view) < count) return undefined;
  let chain = 0;
  for (let i = 0; i < count; i++) {
    const cell = takeCell(view);
    setLink(view, cell, chain);
    chain = cell + 1;
  }
  addWord(view, HEADER.arenaUsed, count);
  return chain;
}

function takeCell(view: View): number {
  const free = word(view, HEADER.arenaFree);
  if (free > 0) {
    view.words[HEADER.arenaFree] = linkOf(view, free - 1) + 1;
    return free - 1;
  }
  const fresh = word(view, HEADER.arenaFresh);
  addWord(view, HEADER.arenaFresh, 1);
  return fresh;
}
