/** Lists of Structured Fields for HTTP (RFC 9651 §4.2), as far as we need them; strict. */

/**
 * A token and a string are both text here: RFC 9211 gives them one meaning wherever it allows
 * both.
 */
export type BareItem = string | number | boolean;

export interface Item {
  readonly value: BareItem;
  readonly parameters: ReadonlyMap<string, BareItem>;
}

const SPACES = /[ \t]*/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const NUMBER = /-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])/y;
const BOOLEAN = /\?[01]/y;
const KEY = /[a-z*][a-z0-9_\-.*]*/y;

/** undefined when the text is no such list, an inner list or a byte sequence included. */
export function parseList(text: string): readonly Item[] | undefined {
  const reader = new Reader(text.replace(/^ +| +$/g, ""));
  const items: Item[] = [];
  if (reader.atEnd()) return items;
  for (;;) {
    const item = readItem(reader);
    if (item === undefined) return undefined;
    items.push(item);
    reader.take(SPACES);
    if (reader.atEnd()) return items;
    if (!reader.skip(",")) return undefined;
    reader.take(SPACES);
    // a comma at the end promises a member that is not there
    if (reader.atEnd()) return undefined;
  }
}

function readItem(reader: Reader): Item | undefined {
  const value = readBare(reader);
  if (value === undefined) return undefined;
  const parameters = new Map<string, BareItem>();
  while (reader.skip(";")) {
    reader.skipSpaces();
    const key = reader.take(KEY);
    if (key === undefined) return undefined;
    const given = reader.skip("=") ? readBare(reader) : true;
    if (given === undefined) return undefined;
    parameters.set(key, given);
  }
  return { value, parameters };
}

function readBare(reader: Reader): BareItem | undefined {
  const text = reader.take(STRING);
  if (text !== undefined) return text.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
  const number = reader.take(NUMBER);
  if (number !== undefined) return Number(number);
  const flag = reader.take(BOOLEAN);
  if (flag !== undefined) return flag === "?1";
  return reader.take(TOKEN);
}

/** A place in a text that moves on by what was recognised there. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** `pattern` must be sticky. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  skip(character: string): boolean {
    const found = this.#text[this.#at] === character;
    if (found) this.#at++;
    return found;
  }

  skipSpaces(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }
}
