/** Keys whose feature is not in this version: they load, and `mir check` says so. */

import type { Findings, Path } from "./mistakes.ts";
import { isTable } from "./values.ts";

/**
 * Schema keys (see `schemaKeys`) with the values that need no warning, because they ask for what
 * happens anyway.
 * A version that brings a feature takes its row out.
 */
export const NOT_YET: ReadonlyMap<string, readonly unknown[]> = new Map();

const NOT_YET_MESSAGE = "accepted, has no effect in this version";

export function warnNotYet(value: unknown, findings: Findings, path: Path = []): void {
  const key = path.filter((step) => typeof step === "string").join(".");
  const harmless = NOT_YET.get(key);
  const last = path.at(-1);
  if (harmless !== undefined && typeof last === "string") {
    if (!harmless.includes(value)) findings.warn(path, NOT_YET_MESSAGE);
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) warnNotYet(item, findings, [...path, i]);
  } else if (isTable(value)) {
    for (const [name, item] of Object.entries(value)) warnNotYet(item, findings, [...path, name]);
  }
}
