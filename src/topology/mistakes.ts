/** What can be wrong with a topology file, and the words for its keys and values (spec §9). */

/** Keys and list positions from the root of the file: `["levels", 0, "servers", 1, "name"]`. */
export type Path = readonly (string | number)[];

/** A reason why the file cannot be used. */
export interface Mistake {
  readonly file: string;
  /** 1-based; always within the file. */
  readonly line: number;
  /** 1-based, in UTF-16 units; undefined when only the line is known. */
  readonly column: number | undefined;
  /** `levels[0].servers[1].private[0].port`; "" when it is about the file as a whole. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  /** The nearest valid name, when one is near. */
  readonly nearest: string | undefined;
}

/** A file with warnings can be used, but perhaps not to the effect its author wants. */
export interface Warning {
  readonly file: string;
  readonly line: number;
  readonly column: number | undefined;
  readonly key: string;
  readonly message: string;
}

/** Where checks put what they find. */
export interface Findings {
  mistake(path: Path, what: Found): void;
  warn(path: Path, message: string): void;
  /** `line 12`, for a mistake that is about two places. */
  placeOf(path: Path): string;
}

export interface Found {
  readonly found: string;
  readonly expected: string;
  readonly nearest?: string | undefined;
  /** Whether the place is that of the key itself or that of its value, which is the default. */
  readonly at?: "key" | "value";
}

const SHOWN_CHARS_MAX = 80;
const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** `levels[0].servers[1].name`; keys that TOML would quote are quoted. */
export function dottedKey(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${BARE_KEY.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}

/** A value of the file as a mistake shows it: short, on one line, without passwords of URLs. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(shorten(hidePassword(value)));
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  return String(value);
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}

function hidePassword(text: string): string {
  return text.replace(/\/\/[^/@]*@/, "//…@");
}
