/** The kinds of values a topology file holds; each message is the "expected" of a mistake. */

import { isIP } from "node:net";
import * as v from "valibot";
import { BYTE_UNITS, parseByteSize } from "../base/bytes.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { parseShare, SHARE_EXPECTED } from "../base/share.ts";
import { ORIG, PLACEHOLDER } from "../base/variant.ts";

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?$/;
const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PREFIX = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}$/;
const CLASS_NAME = /^[a-z][a-z0-9]{0,15}$/;
/** What a size or a format is called everywhere. */
const TAKEN: ReadonlySet<string> = new Set([ORIG, PLACEHOLDER, "auto"]);
const BOX = /^([1-9][0-9]{0,3})x([1-9][0-9]{0,3})$/;
const DURATION = /^([0-9]+(?:\.[0-9]+)?)\s*(s|m|h|d|w)$/;
const UNITS = BYTE_UNITS.join(", ");
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

export const flag = v.boolean("true or false");
export const text = v.custom<string>(
  (x) => typeof x === "string" && !hasControls(x),
  "a text in quotes",
);
export const fullText = matching((x) => x !== "", "a text that is not empty");
export const filePath = matching((x) => x !== "", "a path");
export const host = matching(
  (x) => isIP(x) !== 0 || (HOST_NAME.test(x) && !/^[0-9.]+$/.test(x)),
  "a host name or an IP address (no brackets, no port)",
);
export const serverName = matching(
  (x) => SERVER_NAME.test(x),
  "a name of at most 128 of A-Z a-z 0-9 . _ - that begins with a letter or digit",
);
export const prefix = matching((x) => PREFIX.test(x), "one path segment of A-Z a-z 0-9 . _ ~ -");
export const className = matching(
  (x) => CLASS_NAME.test(x) && !TAKEN.has(x),
  `a name of at most 16 of a-z 0-9 that begins with a letter; ${[...TAKEN].join(", ")} are taken`,
);
export const box = matching((x) => {
  const [, width, height] = BOX.exec(x) ?? [];
  return Math.max(Number(width ?? Infinity), Number(height ?? Infinity)) <= LIMITS.boxSideMax;
}, `WIDTHxHEIGHT, both from 1 to ${LIMITS.boxSideMax} without leading zeros`);
export const httpUrl = matching(
  isPlainUrl,
  "an http:// or https:// address without user, query or fragment",
);
export const allowOrigin = matching(
  (x) => x === "*" || (URL.canParse(x) && new URL(x).origin === x),
  'an origin like "https://photos.example.com", or "*"',
);

/** A port people dial; 0 is none. */
export const port = whole(1, 65_535);
/** A port this node binds; 0 lets the system choose (spec §11). */
export const bindPort = whole(0, 65_535);
/** Milliseconds within which a request must begin to be answered anyway. */
export const firstByteMs = whole(100, DEADLINES.requestMs);
export const side = whole(1, LIMITS.boxSideMax);
export const quality = whole(1, 100);
export const effort = whole(0, 9);
export const weight = v.custom<number>(
  (x) => typeof x === "number" && Number.isFinite(x) && x > 0,
  "a number above 0",
);
export const workers = v.custom<number | "cpus">(
  (x) => x === "cpus" || isWhole(x, 1, LIMITS.workersMax),
  `"cpus" or a whole number from 1 to ${LIMITS.workersMax}`,
);
/** Read as bytes. */
export const byteSize = v.pipe(
  v.custom<string | number>((x) => toBytes(x) > 0, `a size above 0 such as "500GiB" (${UNITS})`),
  v.transform((x) => toBytes(x)),
);
/** The same, where 0 turns something off. */
export const byteSizeOrNone = v.pipe(
  v.custom<string | number>((x) => toBytes(x) >= 0, `a size such as "256MiB" (${UNITS}), or "0"`),
  v.transform((x) => toBytes(x)),
);
/** Read as milliseconds. */
export const duration = v.pipe(
  v.custom<string>(
    (x) => typeof x === "string" && toMs(x) > 0,
    'a time above 0 such as "90d" (s, m, h, d, w)',
  ),
  v.transform((x) => toMs(x)),
);
/** Read as a number from 0 to 1. */
export const share = v.pipe(
  v.custom<string>((x) => typeof x === "string" && parseShare(x) !== undefined, SHARE_EXPECTED),
  v.transform((x) => parseShare(x) ?? 0),
);
/** Milliseconds that are slow; 0: none are. */
export const slowMs = whole(0, DEADLINES.requestMs);
/** Of the bytes of a cache that copies for other servers may take. */
export const replicaShare = v.custom<number>(
  (x) => typeof x === "number" && x >= 0 && x <= 0.5,
  "a number from 0 to 0.5",
);

/** One of these texts and no other. */
export function oneOf<const T extends readonly string[]>(names: T): v.PicklistSchema<T, string> {
  return v.picklist(names, namesText(names));
}

export function namesText(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(" or ");
}

/** A limit of `base/limits.ts`, which an operator may set up to a maximum. */
export function lowered(most: number): v.GenericSchema<unknown, number> {
  return v.custom<number>((x) => isWhole(x, 1, most), wholeText(1, most));
}

/** The same for a limit in bytes, which may be written as a size. */
export function loweredBytes(most: number): v.GenericSchema<unknown, number> {
  return v.pipe(
    v.custom<string | number>(
      (x) => toBytes(x) > 0 && toBytes(x) <= most,
      `a size from 1 to ${most / 2 ** 20}MiB`,
    ),
    v.transform((x) => toBytes(x)),
  );
}

/** What TOML calls a table. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function matching(test: (text: string) => boolean, expected: string) {
  return v.custom<string>((x) => typeof x === "string" && !hasControls(x) && test(x), expected);
}

/** Line ends would break headers and logs, NUL breaks paths. */
function hasControls(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}

function whole(least: number, most: number) {
  return v.custom<number>((x) => isWhole(x, least, most), wholeText(least, most));
}

function wholeText(least: number, most: number): string {
  return `a whole number from ${least} to ${most}`;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

/** NaN when it is no size. */
function toBytes(value: unknown): number {
  if (typeof value === "string") return parseByteSize(value) ?? Number.NaN;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : Number.NaN;
}

/** NaN when it is no time. */
function toMs(value: string): number {
  const [, amount, unit] = DURATION.exec(value.trim()) ?? [];
  const ms = Math.round(Number(amount) * (UNIT_MS[unit ?? ""] ?? Number.NaN));
  return Number.isSafeInteger(ms) ? ms : Number.NaN;
}

function isPlainUrl(value: string): boolean {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return `${url.username}${url.password}${url.search}${url.hash}` === "";
}
