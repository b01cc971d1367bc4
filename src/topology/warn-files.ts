/** Files of certificates and keys that are not there, as far as they are this machine's. */

import { resolve } from "node:path";
import type { Findings } from "./mistakes.ts";
import { type Table, tableOf, textOf } from "./raw.ts";

/** Whether a file is there now. */
export type IsFile = (path: string) => boolean;

const FILES = [
  ["tls", "cert"],
  ["tls", "key"],
  ["security", "tls_cert"],
  ["security", "tls_key"],
  ["security", "tls_ca"],
] as const;

export function warnOfMissingFiles(
  file: Table,
  { baseDir, isFile }: { readonly baseDir: string; readonly isFile: IsFile },
  findings: Findings,
): void {
  for (const [table, key] of FILES) {
    const path = textOf(tableOf(file, table), key);
    if (path === undefined || isFile(resolve(baseDir, path))) continue;
    const full = resolve(baseDir, path);
    findings.warn(
      [table, key],
      `${full} is no file on this machine: mir serve refuses to start without it`,
    );
  }
}
