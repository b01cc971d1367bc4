/** A relname as the index compares it: its id packed into words, size, ext and length in one, two keyed hashes. */

import { LIMITS } from "../base/limits.ts";
import { type NameOfId, namesInSizes, ORIGINAL_EXTS } from "../base/variant.ts";
import { CELL_CHARS, CELL_WORDS } from "./layout.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_CODE = 255;
const CODES = new Uint8Array(128).fill(NO_CODE);
for (let code = 0; code < ALPHABET.length; code++) CODES[ALPHABET.charCodeAt(code)] = code;

const SLASH = 47;
/** Characters of the longest size (base/variant.ts). */
const SIZE_CHARS_MAX = 16;
/** `vi/ra/l1/`: where the size begins in every relname. */
const SIZE_AT = 9;
/** Of the six characters in front of it, with their slashes. */
const FOLDERS = [0, 1, 3, 4, 6, 7] as const;
/** Six bits each of up to five characters: all of an ext, the begin of a size. */
const WORD_CHARS = 5;
const WORD_BITS = WORD_CHARS * 6;

/** Of a size and an ext. */
export interface Codes {
  readonly size: number;
  readonly ext: number;
}

/** What names are read with, and where they are read to; a part of every view. */
export interface KeyReader {
  /** Of the two hashes, made from the seeds. */
  readonly tables: Int32Array;
  readonly sizes: readonly string[];
  /** Of each size the bits of its first characters; those that begin alike are told apart by their names. */
  readonly sizeTags: Int32Array;
  /** An open-addressed table of sizes by their tags: 1 + code, or 0. There may be hundreds. */
  readonly sizePlaces: Int32Array;
  /** Of every variant an id can have. */
  readonly names: readonly (Codes & { readonly name: NameOfId })[];
  /** Private to the thread: the name that was read last, as KEY lays it out. */
  readonly key: Int32Array;
}

/** Stands for a first hash of 0, which marks a free slot. */
const NO_HASH = 1;

/** Words of `KeyReader.key`. */
export const KEY = {
  h1: 0,
  h2: 1,
  /** Length of the id, ext and size as WORD.kind of a slot has them above its lowest byte. */
  kind: 2,
  /** Both hashes of the id alone. */
  id1: 3,
  id2: 4,
  /** The id: sixteen characters in each three words, the last of them two bits in each. */
  id: 5,
} as const;

const KEY_WORDS = KEY.id + Math.ceil(LIMITS.contentIdCharsMax / CELL_CHARS) * CELL_WORDS;

/** Random words of one character at one place of the id: two hashes side by side. */
const TABLE_IDS = LIMITS.contentIdCharsMax * 64;
const TABLE_SIZES = TABLE_IDS + 256;
const TABLE_WORDS = (TABLE_SIZES + ORIGINAL_EXTS.length) * 2;

export function openKeyReader(
  sizes: readonly string[],
  seeds: readonly [number, number],
): KeyReader {
  const tables = hashTables(...seeds);
  const exts: readonly string[] = ORIGINAL_EXTS;
  const names = namesInSizes(sizes).map((name) => ({
    ...{ name, size: sizes.indexOf(name.size) },
    ext: exts.indexOf(name.ext),
  }));
  const sizeTags = tagsOf(sizes);
  const key = new Int32Array(KEY_WORDS);
  return { tables, sizes, sizeTags, sizePlaces: placesOf(sizeTags), names, key };
}

/**
 * The tables of two tabulation hashes. Whoever does not know the seeds cannot choose ids that collide, and
 * probing one place after the other stays short whatever the ids are (Pătraşcu and Thorup, STOC 2011).
 */
function hashTables(seed1: number, seed2: number): Int32Array {
  const tables = new Int32Array(TABLE_WORDS);
  let [a, b, c, d] = [seed1, seed2, 0x9e3779b9, 0x243f6a88];
  // xoshiro128++, warmed up; both seeds reach every word
  for (let i = -64; i < TABLE_WORDS; i++) {
    const mixed = (a + d) | 0;
    if (i >= 0) tables[i] = (((mixed << 7) | (mixed >>> 25)) + a) | 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
  }
  return tables;
}

function tagsOf(names: readonly string[]): Int32Array {
  return Int32Array.from(names, (name) => bitsOf(name, 0, Math.min(WORD_CHARS, name.length)));
}

function placesOf(tags: Int32Array): Int32Array {
  const places = new Int32Array(2 ** Math.ceil(Math.log2(tags.length * 4)));
  for (const [code, tag] of tags.entries()) {
    let place = placeOf(tag) & (places.length - 1);
    while (places[place] !== 0) place = (place + 1) & (places.length - 1);
    places[place] = code + 1;
  }
  return places;
}

/** A multiplicative hash (Knuth, TAOCP 6.4). */
function placeOf(tag: number): number {
  return Math.imul(tag, 0x9e3779b1) >>> 16;
}

/** Exts by the bits of all their characters. No other text of that length has them: what `_` and no code leave is in none. */
const EXT_TAGS = tagsOf(ORIGINAL_EXTS);

/**
 * Brings a relname into `reader.key`. False when it is none, or of a size that is not of this topology: nothing
 * of that name can be in the index then. On the path of every hit (bench/micro/index.ts), hence the style.
 */
export function readKey(reader: KeyReader, relname: string): boolean {
  const size = sizeIn(reader, relname);
  if (size < 0) return false;
  const idAt = SIZE_AT + (reader.sizes[size] ?? "").length + 1;
  const chars = readId(reader, relname, idAt);
  const ext = extIn(relname, idAt + chars);
  if (ext < 0 || chars < LIMITS.contentIdCharsMin || !inItsFolders(relname, idAt)) return false;
  finish(reader, chars, { size, ext });
  return true;
}

/** Another name of the id in `reader.key`, which `readKey` has read. */
export function renameKey(reader: KeyReader, codes: Codes): void {
  finish(reader, (reader.key[KEY.kind] ?? 0) >>> 16, codes);
}

function finish({ key, tables }: KeyReader, chars: number, { size, ext }: Codes): void {
  const atSize = (TABLE_IDS + size) * 2;
  const atExt = (TABLE_SIZES + ext) * 2;
  const h1 = (key[KEY.id1] ?? 0) ^ (tables[atSize] ?? 0) ^ (tables[atExt] ?? 0);
  key[KEY.h1] = h1 === 0 ? NO_HASH : h1;
  key[KEY.h2] = (key[KEY.id2] ?? 0) ^ (tables[atSize + 1] ?? 0) ^ (tables[atExt + 1] ?? 0);
  key[KEY.kind] = size | (ext << 8) | (chars << 16);
}

/**
 * Brings the two hashes of a name, which lie at `at`, from one code of its size to another. False for the one in 2^32
 * whose first hash does not say any more what it was.
 */
export function rehash(
  { tables }: KeyReader,
  { words, at }: { readonly words: Int32Array; readonly at: number },
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const h1 = words[at] ?? 0;
  if (h1 === NO_HASH) return false;
  const moved = (hash: number): number =>
    (tables[(TABLE_IDS + from) * 2 + hash] ?? 0) ^ (tables[(TABLE_IDS + to) * 2 + hash] ?? 0);
  words[at] = h1 ^ moved(0) || NO_HASH;
  words[at + 1] = (words[at + 1] ?? 0) ^ moved(1);
  return true;
}

/** The id and its hashes into `reader.key`; how many characters it has. */
function readId({ key, tables }: KeyReader, relname: string, idAt: number): number {
  let h1 = 0;
  let h2 = 0;
  key[KEY.id + 1] = 0;
  key[KEY.id + 2] = 0;
  key[KEY.id + 3] = 0;
  let chars = 0;
  let code = codeAt(relname, idAt);
  for (let k: number = KEY.id; k < KEY_WORDS; k++) {
    let bits = 0;
    for (let shift = 0; shift < WORD_BITS && code < 64; shift += 6) {
      bits |= code << shift;
      const at = (chars * 64 + code) * 2;
      h1 ^= tables[at] ?? 0;
      h2 ^= tables[at + 1] ?? 0;
      code = codeAt(relname, idAt + ++chars);
    }
    key[k] = bits;
    if (chars % CELL_CHARS === CELL_CHARS - 1 && code < 64) {
      spread(key, k - 2, code);
      const at = (chars * 64 + code) * 2;
      h1 ^= tables[at] ?? 0;
      h2 ^= tables[at + 1] ?? 0;
      code = codeAt(relname, idAt + ++chars);
    }
    if (code > 63) break;
  }
  key[KEY.id1] = h1;
  key[KEY.id2] = h2;
  return chars;
}

/** The sixteenth character of three words, two bits above the thirty of each. */
function spread(key: Int32Array, at: number, code: number): void {
  key[at] = (key[at] ?? 0) | (code << 30);
  key[at + 1] = (key[at + 1] ?? 0) | ((code >> 2) << 30);
  key[at + 2] = (key[at + 2] ?? 0) | ((code >> 4) << 30);
}

/** Characters of an id out of words that `readKey` made. */
export function unpackId(words: Int32Array, at: number, chars: number): string {
  let text = "";
  for (let i = 0; i < chars; i++) {
    const group = at + Math.floor(i / CELL_CHARS) * CELL_WORDS;
    const n = i % CELL_CHARS;
    const bits = words[group + Math.floor(n / WORD_CHARS)] ?? 0;
    text += ALPHABET.charAt(
      n === CELL_CHARS - 1 ? spreadIn(words, group) : (bits >>> ((n % WORD_CHARS) * 6)) & 63,
    );
  }
  return text;
}

function spreadIn(words: Int32Array, group: number): number {
  const top = (k: number): number => (words[group + k] ?? 0) >>> 30;
  return top(0) | (top(1) << 2) | (top(2) << 4);
}

/** The code of a character of an id; over 63 when it is none. */
function codeAt(text: string, at: number): number {
  return codeOf(text.charCodeAt(at));
}

function codeOf(char: number): number {
  return char < 128 ? (CODES[char] ?? NO_CODE) : NO_CODE;
}

function bitsOf(text: string, from: number, to: number): number {
  let bits = 0;
  for (let at = from; at < to; at++) bits = (bits << 6) | codeAt(text, at);
  return bits;
}

/** The code of the size, or -1. */
function sizeIn(reader: KeyReader, relname: string): number {
  const { sizes, sizeTags, sizePlaces } = reader;
  let tag = 0;
  let chars = 0;
  for (; chars <= SIZE_CHARS_MAX; chars++) {
    const char = relname.charCodeAt(SIZE_AT + chars);
    if (char === SLASH) break;
    if (chars < WORD_CHARS) tag = (tag << 6) | codeOf(char);
  }
  const mask = sizePlaces.length - 1;
  for (let place = placeOf(tag) & mask; ; place = (place + 1) & mask) {
    const code = (sizePlaces[place] ?? 0) - 1;
    if (code < 0) return -1;
    if (sizeTags[code] !== tag) continue;
    const size = sizes[code] ?? "";
    if (size.length !== chars) continue;
    if (chars <= WORD_CHARS || relname.startsWith(size, SIZE_AT)) return code;
  }
}

/** The code of the ext behind a dot, or -1. */
function extIn(relname: string, dotAt: number): number {
  const chars = relname.length - dotAt - 1;
  if (chars < 1 || chars > WORD_CHARS || relname.charCodeAt(dotAt) !== 46) return -1;
  const tag = bitsOf(relname, dotAt + 1, relname.length);
  for (let code = 0; code < EXT_TAGS.length; code++) {
    if (EXT_TAGS[code] === tag && ORIGINAL_EXTS[code]?.length === chars) return code;
  }
  return -1;
}

/** Whether the folders in front are those of the id. */
function inItsFolders(relname: string, idAt: number): boolean {
  for (let i = 0; i < FOLDERS.length; i++) {
    const at = FOLDERS[i] ?? 0;
    if (relname.charCodeAt(at) !== relname.charCodeAt(idAt + i)) return false;
  }
  return (
    relname.charCodeAt(2) === SLASH &&
    relname.charCodeAt(5) === SLASH &&
    relname.charCodeAt(8) === SLASH
  );
}
