/**
 * Checks of single fields, by hand: each request between nodes passes a dozen of them (bench/micro/wire.ts).
 * All throw a Fault `bad_frame` that names message and field; `may…` ones give undefined for a field that is absent.
 */

import { Fault } from "../base/fault.ts";
import { parseRelname } from "../base/variant.ts";

/** An object out of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Printable ASCII: it ends up in headers and logs, where a line break would be an attack. */
const PRINTABLE = /^[\x20-\x7e]*$/;
const HEX16 = /^[0-9a-f]{16}$/;
const HEX64 = /^[0-9a-f]{64}$/;

/** The relname without a leading slash; undefined for what is none. */
export function relnameFrom(text: string): string | undefined {
  if (parseRelname(text) === undefined) return undefined;
  return text.startsWith("/") ? text.slice(1) : text;
}

export function object(value: unknown, what: string, name = "JSON"): Fields {
  if (typeof value !== "object" || value === null) throw unfit(what, name, "not an object");
  // the one place where a value from outside becomes something with fields, all of them still unknown
  return value as Fields;
}

export function relname(from: Fields, what: string): string {
  const text = string(from, "relname", what);
  const name = relnameFrom(text);
  if (name === undefined) throw unfit(what, "relname", "no relname");
  return name;
}

export function mayRelname(from: Fields, what: string): string | undefined {
  return from["relname"] === undefined ? undefined : relname(from, what);
}

export function printable(from: Fields, name: string, what: string, chars: Span): string {
  const text = string(from, name, what);
  if (text.length > chars.max) throw unfit(what, name, `longer than ${chars.max} characters`);
  if (text.length < (chars.min ?? 0)) throw unfit(what, name, "empty");
  if (!PRINTABLE.test(text)) throw unfit(what, name, "not printable ASCII");
  return text;
}

export function mayPrintable(
  from: Fields,
  name: string,
  what: string,
  chars: Span,
): string | undefined {
  return from[name] === undefined ? undefined : printable(from, name, what, chars);
}

/** How little and how much there may be; at least 0. */
export interface Span {
  readonly min?: number;
  readonly max: number;
}

export function count(from: Fields, name: string, what: string, span: Span): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw unfit(what, name, "not an integer");
  }
  if (value < (span.min ?? 0) || value > span.max) {
    throw unfit(what, name, `not from ${span.min ?? 0} to ${span.max}`);
  }
  return value;
}

export function mayCount(from: Fields, name: string, what: string, span: Span): number | undefined {
  return from[name] === undefined ? undefined : count(from, name, what, span);
}

export function flag(from: Fields, name: string, what: string): boolean {
  const value = from[name];
  if (typeof value !== "boolean") throw unfit(what, name, "not true or false");
  return value;
}

export function mayFlag(from: Fields, name: string, what: string): boolean | undefined {
  return from[name] === undefined ? undefined : flag(from, name, what);
}

export function matching(from: Fields, name: string, what: string, pattern: RegExp): string {
  const text = string(from, name, what);
  if (!pattern.test(text)) throw unfit(what, name, "not of its form");
  return text;
}

export function mayMatching(
  from: Fields,
  name: string,
  what: string,
  pattern: RegExp,
): string | undefined {
  return from[name] === undefined ? undefined : matching(from, name, what, pattern);
}

/** 16 lower-case hex digits. */
export function hex16(from: Fields, name: string, what: string): string {
  return matching(from, name, what, HEX16);
}

export function mayHex16(from: Fields, name: string, what: string): string | undefined {
  return mayMatching(from, name, what, HEX16);
}

export function hex64(from: Fields, name: string, what: string): string {
  return matching(from, name, what, HEX64);
}

export function mayHex64(from: Fields, name: string, what: string): string | undefined {
  return mayMatching(from, name, what, HEX64);
}

export function oneOf<const T extends string>(
  from: Fields,
  name: string,
  what: string,
  words: readonly T[],
): T {
  const value = from[name];
  const found = words.find((word) => word === value);
  if (found === undefined) throw unfit(what, name, `not one of ${words.join(" ")}`);
  return found;
}

/** Each item as `read` gives it; `what` of an item says which one it is. */
export function list<T>(
  from: Fields,
  name: string,
  what: string,
  items: Span & { readonly read: (item: unknown, what: string, name: string) => T },
): readonly T[] {
  const value = from[name];
  if (!Array.isArray(value)) throw unfit(what, name, "not a list");
  if (value.length > items.max) throw unfit(what, name, `more than ${items.max}`);
  if (value.length < (items.min ?? 0)) throw unfit(what, name, "empty");
  return value.map((item, i) => items.read(item, what, `${name}.${i}`));
}

export function unfit(what: string, name: string, problem: string): Fault {
  return new Fault("bad_frame", `${what}: ${name}: ${problem}`);
}

function string(from: Fields, name: string, what: string): string {
  const value = from[name];
  if (typeof value !== "string") throw unfit(what, name, "not a string");
  return value;
}
