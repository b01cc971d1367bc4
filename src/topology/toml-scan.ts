/** Tells where each key and value of a TOML text begins; its parser gives no places. */

import { parse } from "smol-toml";
import type { Path } from "./mistakes.ts";

/** Offsets are UTF-16 units from the start of the text. */
export interface TomlVisitor {
  /** `[a.b]` or, with `list`, `[[a.b]]`. Returns the path that the keys below it belong to. */
  header(keys: readonly string[], list: boolean, offset: number): Path;
  /** One part of a key: `a.b = 1` gives `a`, then `a.b`. */
  key(path: Path, offset: number): void;
  value(path: Path, offset: number): void;
}

interface Cursor {
  readonly text: string;
  at: number;
  readonly visitor: TomlVisitor;
}

interface KeyPart {
  readonly name: string;
  readonly offset: number;
}

/** Deeper nesting than this is passed over; the parser refuses it before (`maxDepth`). */
export const TOML_DEPTH_MAX = 32;

/** Any text is walked to its end in one pass; for valid TOML only is what is told right. */
export function scanToml(text: string, visitor: TomlVisitor): void {
  const cursor: Cursor = { text, at: text.startsWith("\uFEFF") ? 1 : 0, visitor };
  let table: Path = [];
  skipVoid(cursor);
  while (cursor.at < text.length) {
    const start = cursor.at;
    if (text[start] === "[") table = scanHeader(cursor);
    else scanPair(cursor, table, 0);
    skipVoid(cursor);
    // a text that is no TOML must not hold us
    if (cursor.at === start) cursor.at++;
  }
}

function scanHeader(cursor: Cursor): Path {
  const offset = cursor.at;
  const list = cursor.text[offset + 1] === "[";
  cursor.at += list ? 2 : 1;
  const keys = readKey(cursor).map((part) => part.name);
  skipLine(cursor);
  return cursor.visitor.header(keys, list, offset);
}

/** `key = value`, on a line of its own or in an inline table. */
function scanPair(cursor: Cursor, table: Path, depth: number): void {
  const path = [...table];
  for (const part of readKey(cursor)) {
    path.push(part.name);
    cursor.visitor.key([...path], part.offset);
  }
  if (cursor.text[cursor.at] === "=") cursor.at++;
  skipSpace(cursor);
  scanValue(cursor, path, depth);
}

function scanValue(cursor: Cursor, path: Path, depth: number): void {
  cursor.visitor.value(path, cursor.at);
  const char = cursor.text[cursor.at];
  if (depth > TOML_DEPTH_MAX) skipLine(cursor);
  else if (char === "[") scanItems(cursor, "]", (n) => scanValue(cursor, [...path, n], depth + 1));
  else if (char === "{") scanItems(cursor, "}", () => scanPair(cursor, path, depth + 1));
  else if (char === '"' || char === "'") skipString(cursor);
  else skipUntil(cursor, /[,\]}#\n]/g);
}

/** From after the opening bracket to after the closing one. */
function scanItems(cursor: Cursor, close: string, scanItem: (n: number) => void): void {
  cursor.at++;
  for (let n = 0; ; n++) {
    skipVoid(cursor);
    if (cursor.at >= cursor.text.length) return;
    if (cursor.text[cursor.at] === close) break;
    const start = cursor.at;
    scanItem(n);
    skipVoid(cursor);
    if (cursor.text[cursor.at] === ",") cursor.at++;
    if (cursor.at === start) cursor.at++;
  }
  cursor.at++;
}

/** Parts of a key, up to `=`, `]` or whatever ends it. */
function readKey(cursor: Cursor): KeyPart[] {
  const parts: KeyPart[] = [];
  for (;;) {
    skipSpace(cursor);
    const offset = cursor.at;
    const char = cursor.text[offset];
    if (char === '"' || char === "'") {
      skipString(cursor);
      parts.push({ name: unquote(cursor.text.slice(offset, cursor.at)), offset });
    } else {
      skipUntil(cursor, /[^A-Za-z0-9_-]/g);
      parts.push({ name: cursor.text.slice(offset, cursor.at), offset });
    }
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== ".") return parts;
    cursor.at++;
  }
}

/** The parser knows the escapes; quoted keys are rare enough to ask it. */
function unquote(quoted: string): string {
  try {
    return String(parse(`key = ${quoted}`)["key"]);
  } catch {
    return quoted;
  }
}

function skipString(cursor: Cursor): void {
  const { text, at } = cursor;
  const quote = text.charAt(at);
  const triple = quote.repeat(3);
  if (!text.startsWith(triple, at)) {
    cursor.at = endOfString(text, at + 1, quote);
    return;
  }
  cursor.at = endOfString(text, at + 3, triple);
  // one or two quotes may stand right before the closing three
  while (text[cursor.at] === quote) cursor.at++;
}

function endOfString(text: string, from: number, close: string): number {
  const escapes = close.startsWith('"');
  for (let at = from; at < text.length; at++) {
    if (escapes && text[at] === "\\") at++;
    else if (text.startsWith(close, at)) return at + close.length;
    else if (close.length === 1 && text[at] === "\n") return at;
  }
  return text.length;
}

/** Blanks, line ends and comments. */
function skipVoid(cursor: Cursor): void {
  for (;;) {
    skipUntil(cursor, /[^ \t\r\n]/g);
    if (cursor.text[cursor.at] !== "#") return;
    skipLine(cursor);
  }
}

function skipSpace(cursor: Cursor): void {
  skipUntil(cursor, /[^ \t]/g);
}

function skipLine(cursor: Cursor): void {
  skipUntil(cursor, /\n/g);
}

/** To the next match, or to the end of the text. */
function skipUntil(cursor: Cursor, stop: RegExp): void {
  stop.lastIndex = cursor.at;
  cursor.at = stop.exec(cursor.text)?.index ?? cursor.text.length;
}
