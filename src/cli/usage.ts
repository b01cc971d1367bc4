/** Wrong usage: what every command says of flags and words it does not know. */

import { type ArgsDef, parseArgs } from "citty";
import { nearestName } from "../topology/nearest.ts";

/** A mistake on the command line; ends with exit code 2. */
export class UsageError extends Error {}

/** citty takes any flag: one that is misspelt, has no value, or comes twice must not be ignored. */
export function refuseFlags(rawArgs: readonly string[], known: ArgsDef): void {
  const given = new Set<string>();
  for (const [i, arg] of rawArgs.entries()) {
    if (arg === "--") return;
    if (!arg.startsWith("--")) continue;
    const name = arg.slice(2).split("=")[0] ?? "";
    const plain = name.startsWith("no-") ? name.slice(3) : name;
    if (!Object.hasOwn(known, name) && !Object.hasOwn(known, plain) && name !== "help") {
      throw unknownFlag(name, known);
    }
    if (given.has(name)) throw new UsageError(`--${name} is there twice`);
    given.add(name);
    const next = rawArgs[i + 1];
    if (known[plain]?.type === "boolean") refuseValue(arg, next);
    const bare = arg === `--${name}` && (next === undefined || next.startsWith("--"));
    if (bare && known[name]?.type === "string" && !ALONE.has(arg)) {
      throw new UsageError(`--${name} needs a value: ${known[name].description ?? "see --help"}`);
    }
  }
}

const YES_OR_NO = /^(?:true|false|yes|no|on|off)$/i;

/** What says "no" to a flag must not be taken for "yes", and its value for a word of its own. */
function refuseValue(arg: string, next: string | undefined): void {
  const [flag = ""] = arg.split("=");
  if (arg === flag && (next === undefined || !YES_OR_NO.test(next))) return;
  throw new UsageError(`${flag} takes no value: it is given, or left out`);
}

function unknownFlag(name: string, known: ArgsDef): UsageError {
  const flags = Object.entries(known)
    .filter(([, def]) => def.type !== "positional")
    .map(([flag]) => `--${flag}`);
  const near = nearestName(`--${name}`, flags);
  const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
  const has = flags.length === 0 ? "no flags" : flags.join(", ");
  return new UsageError(`unknown flag --${name}${hint}; this command has ${has}`);
}

/**
 * A word that no flag takes is a flag misspelt, or one too many; what is "one or more" takes any number. `rawArgs` as
 * `withValues` gives them.
 */
export function refuseWords(command: string, rawArgs: readonly string[], known: ArgsDef): void {
  const places = Object.values(known).filter(({ type }) => type === "positional");
  if (places.some(({ description }) => description?.startsWith("one or more"))) return;
  const word = parseArgs([...rawArgs], known)._[places.length];
  if (word === undefined) return;
  const [place] = places;
  if (place !== undefined) {
    throw new UsageError(`${word}: mir ${command} takes one ${place.valueHint ?? "word"}`);
  }
  const hint = Object.hasOwn(known, "photos") ? ` (did you mean --photos ${word}?)` : "";
  throw new UsageError(`${word}: mir ${command} takes flags only${hint}`);
}

/** An address of a listener without a slash at its end; a UsageError names the flag. */
export function checkedUrl(text: string, flag: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new UsageError(`--${flag} ${text}: expected http://host:port`);
  }
  return text.replace(/\/+$/, "");
}

/** Flags that mean something without a value too; citty would take the next word for it. */
const ALONE: ReadonlyMap<string, string> = new Map([["--access-log", "all"]]);

/** Each of these with the value that it has alone. */
export function withValues(rawArgs: readonly string[]): string[] {
  return rawArgs.map((arg, i) => {
    const value = ALONE.get(arg);
    const next = rawArgs[i + 1];
    const alone = next === undefined || next.startsWith("--");
    return value !== undefined && alone ? `${arg}=${value}` : arg;
  });
}

/** Milliseconds of `5s`, `250ms` or `0`; a UsageError names the flag. */
export function parseDuration(text: string, flag: string): number {
  const match = /^([0-9]+)(ms|s|m)?$/.exec(text);
  const unit = match?.[2] ?? "s";
  const scale = { ms: 1, s: 1000, m: 60_000 }[unit];
  if (match === null || scale === undefined) {
    throw new UsageError(`--${flag} ${text}: expected a time such as 5s or 250ms`);
  }
  return Number(match[1]) * scale;
}
