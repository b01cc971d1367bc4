/** Numbers of the command line of `mir bench`, each within its bounds; a UsageError names the flag. */

import { UsageError } from "../usage.ts";

export interface Bounds {
  readonly flag: string;
  readonly min: number;
  readonly max: number;
}

const NUMBER = /^[0-9]+(?:\.[0-9]+)?$/;

export function parseNumber(text: string, bounds: Bounds): number {
  if (!NUMBER.test(text)) throw new UsageError(`--${bounds.flag} ${text}: expected a number`);
  return within(Number(text), text, bounds);
}

export function parseWhole(text: string, bounds: Bounds): number {
  if (!/^[0-9]+$/.test(text)) {
    throw new UsageError(`--${bounds.flag} ${text}: expected a whole number`);
  }
  return within(Number(text), text, bounds);
}

/** `200`, `200/s` or `1.5k`: so many a second. */
export function parseRate(text: string, bounds: Bounds): number {
  const [, digits = "", thousands] = /^([0-9]+(?:\.[0-9]+)?)(k)?(?:\/s)?$/.exec(text) ?? [];
  if (digits === "") {
    throw new UsageError(
      `--${bounds.flag} ${text}: expected so many a second, such as 200 or 1.5k`,
    );
  }
  return within(Number(digits) * (thousands === undefined ? 1 : 1000), text, bounds);
}

/** `1%` or `0.01`. */
export function parseShare(text: string, flag: string): number {
  const [, digits = "", percent] = /^([0-9]+(?:\.[0-9]+)?)(%)?$/.exec(text) ?? [];
  if (digits === "") throw new UsageError(`--${flag} ${text}: expected a share such as 1% or 0.01`);
  const share = Number(digits) / (percent === undefined ? 1 : 100);
  if (share > 1) throw new UsageError(`--${flag} ${text}: a share is at most 100%`);
  return share;
}

/** `md=5,sm=3`, or `md,sm` for equal ones. `name` must match each name whole. */
export function parseWeights(
  text: string,
  { flag, name }: { readonly flag: string; readonly name: RegExp },
): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, what = "", digits = "1"] =
      /^([^=]*)(?:=([0-9]+(?:\.[0-9]+)?))?$/.exec(part.trim()) ?? [];
    if (!name.test(what)) {
      throw new UsageError(`--${flag} ${text}: "${part}" is not NAME or NAME=WEIGHT`);
    }
    if (weights.has(what)) throw new UsageError(`--${flag} ${text}: ${what} is there twice`);
    if (Number(digits) > 0) weights.set(what, Number(digits));
  }
  if (weights.size === 0) throw new UsageError(`--${flag} ${text}: every weight is 0`);
  return weights;
}

function within(value: number, text: string, { flag, min, max }: Bounds): number {
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${flag} ${text}: expected ${min} to ${max}`);
}
