/** Content ids inside slots, six bits a character: written, compared and rebuilt without a string in between. */

import { ORIGINAL_EXTS, relnameOf, type Variant } from "../base/variant.ts";
import {
  CELL_BYTES,
  CELL_CHARS,
  HEADER,
  INLINE_CHARS_LONG,
  INLINE_CHARS_MAX,
  OCTET,
  WORD,
} from "./layout.ts";
import { addWord, octet, type View, word, wordOf } from "./view.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_CODE = 255;
const CODES = new Uint8Array(128).fill(NO_CODE);
for (let code = 0; code < ALPHABET.length; code++) CODES[ALPHABET.charCodeAt(code)] = code;

/** `vi/ra/l1/`: where the size begins in every relname. */
const SIZE_AT = 9;

function codeAt(text: string, at: number): number {
  return CODES[text.charCodeAt(at)] ?? NO_CODE;
}

/** Whether a slot's size, ext and id are those of a relname. Wrong only while the slot is being rewritten. */
export function namesSlot(view: View, slot: number, relname: string): boolean {
  const at = wordOf(slot);
  const chars = octet(view, at * 4 + OCTET.idChars);
  const size = view.sizes[octet(view, at * 4 + OCTET.size)] ?? "";
  const dotExt = view.dotExts[octet(view, at * 4 + OCTET.ext)] ?? "";
  const idAt = SIZE_AT + size.length + 1;
  if (relname.length !== idAt + chars + dotExt.length) return false;
  if (relname.charCodeAt(idAt - 1) !== 47 || !relname.startsWith(size, SIZE_AT)) return false;
  if (!relname.endsWith(dotExt)) return false;
  const start = at * 4 + OCTET.id;
  if (chars <= INLINE_CHARS_MAX) return sameChars(view.octets, start, relname, idAt, chars);
  if (!sameChars(view.octets, start, relname, idAt, INLINE_CHARS_LONG)) return false;
  let cell = word(view, at + WORD.cell) - 1;
  for (let done = INLINE_CHARS_LONG; done < chars; done += CELL_CHARS) {
    const count = Math.min(CELL_CHARS, chars - done);
    const from = cell * CELL_BYTES + 4;
    if (cell < 0 || !sameChars(view.arenaOctets, from, relname, idAt + done, count)) return false;
    cell = (view.arenaWords[(cell * CELL_BYTES) / 4] ?? 0) - 1;
  }
  return true;
}

/** Four characters are three bytes. */
function sameChars(
  from: Uint8Array,
  at: number,
  text: string,
  textAt: number,
  chars: number,
): boolean {
  let i = 0;
  let p = at;
  for (; i + 4 <= chars; i += 4, p += 3) {
    const group = (from[p] ?? 0) | ((from[p + 1] ?? 0) << 8) | ((from[p + 2] ?? 0) << 16);
    const t = textAt + i;
    const asked =
      codeAt(text, t) |
      (codeAt(text, t + 1) << 6) |
      (codeAt(text, t + 2) << 12) |
      (codeAt(text, t + 3) << 18);
    if (group !== asked) return false;
  }
  const rest = (from[p] ?? 0) | ((from[p + 1] ?? 0) << 8) | ((from[p + 2] ?? 0) << 16);
  for (let shift = 0; i < chars; i++, shift += 6) {
    if (((rest >> shift) & 63) !== codeAt(text, textAt + i)) return false;
  }
  return true;
}

function writeChars(to: Uint8Array, at: number, text: string, textAt: number, chars: number): void {
  for (let i = 0, p = at; i < chars; i += 4, p += 3) {
    let group = 0;
    const count = Math.min(4, chars - i);
    for (let k = 0; k < count; k++) group |= codeAt(text, textAt + i + k) << (6 * k);
    for (let k = 0; k * 8 < count * 6; k++) to[p + k] = (group >> (8 * k)) & 255;
  }
}

function readChars(from: Uint8Array, at: number, chars: number): string {
  let text = "";
  for (let i = 0; i < chars; i++) {
    const bit = i * 6;
    const p = at + (bit >> 3);
    const pair = (from[p] ?? 0) | ((from[p + 1] ?? 0) << 8);
    text += ALPHABET.charAt((pair >> (bit & 7)) & 63);
  }
  return text;
}

/** Arena cells an id of so many characters takes. */
export function cellsFor(chars: number): number {
  return chars <= INLINE_CHARS_MAX ? 0 : Math.ceil((chars - INLINE_CHARS_LONG) / CELL_CHARS);
}

/** Writes id, size and ext into a slot under the lock. False when the arena has no room or the size is not ours. */
export function writeName(view: View, slot: number, variant: Variant): boolean {
  const at = wordOf(slot);
  const { id } = variant;
  const size = view.sizeCodes.get(variant.size);
  const ext = (ORIGINAL_EXTS as readonly string[]).indexOf(variant.ext);
  if (size === undefined || ext < 0) return false;
  const cells = takeCells(view, cellsFor(id.length));
  if (cells === undefined) return false;
  const inline = cells === 0 ? id.length : INLINE_CHARS_LONG;
  view.octets[at * 4 + OCTET.idChars] = id.length;
  view.octets[at * 4 + OCTET.size] = size;
  view.octets[at * 4 + OCTET.ext] = ext;
  view.words[at + WORD.cell] = 0;
  writeChars(view.octets, at * 4 + OCTET.id, id, 0, inline);
  if (cells === 0) return true;
  view.words[at + WORD.cell] = cells;
  for (let done = inline, cell = cells - 1; done < id.length; done += CELL_CHARS) {
    const count = Math.min(CELL_CHARS, id.length - done);
    writeChars(view.arenaOctets, cell * CELL_BYTES + 4, id, done, count);
    cell = (view.arenaWords[(cell * CELL_BYTES) / 4] ?? 0) - 1;
  }
  return true;
}

/** The relname of a taken slot, under the lock or by the slot's holder. */
export function nameOf(view: View, slot: number): string {
  const at = wordOf(slot);
  const chars = octet(view, at * 4 + OCTET.idChars);
  const inline = chars <= INLINE_CHARS_MAX ? chars : INLINE_CHARS_LONG;
  let id = readChars(view.octets, at * 4 + OCTET.id, inline);
  for (const cell of cellsOf(view, slot)) {
    const count = Math.min(CELL_CHARS, chars - id.length);
    id += readChars(view.arenaOctets, cell * CELL_BYTES + 4, count);
  }
  const size = view.sizes[octet(view, at * 4 + OCTET.size)] ?? "";
  const ext = ORIGINAL_EXTS[octet(view, at * 4 + OCTET.ext)] ?? "";
  return relnameOf({ id, size, ext });
}

/** The arena cells of a slot, in order. */
export function cellsOf(view: View, slot: number): number[] {
  const at = wordOf(slot);
  const cells: number[] = [];
  const count = cellsFor(octet(view, at * 4 + OCTET.idChars));
  let next = count === 0 ? 0 : word(view, at + WORD.cell);
  while (cells.length < count && next > 0) {
    cells.push(next - 1);
    next = view.arenaWords[((next - 1) * CELL_BYTES) / 4] ?? 0;
  }
  return cells;
}

/** Gives a slot's cells back; under the lock. */
export function freeName(view: View, slot: number): void {
  const cells = cellsOf(view, slot);
  for (const cell of cells) freeCell(view, cell);
  addWord(view, HEADER.arenaUsed, -cells.length);
}

export function freeCell(view: View, cell: number): void {
  view.arenaWords[(cell * CELL_BYTES) / 4] = word(view, HEADER.arenaFree);
  view.words[HEADER.arenaFree] = cell + 1;
}

/** Arena cells that no slot has. */
export function cellsFree(view: View): number {
  return word(view, HEADER.arenaCells) - word(view, HEADER.arenaUsed);
}

/** First cell + 1 of a fresh chain, 0 for none wanted, undefined when the arena has not so many. */
function takeCells(view: View, count: number): number | undefined {
  if (cellsFree(view) < count) return undefined;
  let chain = 0;
  for (let i = 0; i < count; i++) {
    const cell = takeCell(view);
    view.arenaWords[(cell * CELL_BYTES) / 4] = chain;
    chain = cell + 1;
  }
  addWord(view, HEADER.arenaUsed, count);
  return chain;
}

function takeCell(view: View): number {
  const free = word(view, HEADER.arenaFree);
  if (free > 0) {
    view.words[HEADER.arenaFree] = view.arenaWords[((free - 1) * CELL_BYTES) / 4] ?? 0;
    return free - 1;
  }
  const fresh = word(view, HEADER.arenaFresh);
  addWord(view, HEADER.arenaFresh, 1);
  return fresh;
}
