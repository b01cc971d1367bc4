/** Certificates and keys that will not do, as far as they are this machine's. */

import { resolve } from "node:path";
import type { Findings } from "./mistakes.ts";
import { type Table, tableOf, textOf } from "./raw.ts";
import type { CertificateFiles, TlsFiles } from "./topology.ts";

/** Whether a file is there now. */
export type IsFile = (path: string) => boolean;

/** What is wrong with files that are there, and what comes of it; undefined where nothing is, or whoever looks may not read them. */
export type CertificateTrouble = (files: CertificateFiles | TlsFiles) => string | undefined;

export interface FileLooks {
  readonly baseDir: string;
  readonly isFile: IsFile;
  readonly certificateTrouble?: CertificateTrouble | undefined;
}

const SETS = [
  { table: "tls", cert: "cert", key: "key", ca: undefined },
  { table: "security", cert: "tls_cert", key: "tls_key", ca: "tls_ca" },
] as const;

export function warnOfCertificates(file: Table, looks: FileLooks, findings: Findings): void {
  for (const set of SETS) warnOfSet(file, set, looks, findings);
}

function warnOfSet(
  file: Table,
  { table, ...names }: (typeof SETS)[number],
  { baseDir, isFile, certificateTrouble }: FileLooks,
  findings: Findings,
): void {
  const paths = new Map<string, string>();
  for (const [role, name] of Object.entries(names)) {
    const path = name === undefined ? undefined : textOf(tableOf(file, table), name);
    if (name === undefined || path === undefined) continue;
    const full = resolve(baseDir, path);
    if (isFile(full)) {
      paths.set(role, full);
      continue;
    }
    const told = `${full} is no file on this machine: mir serve refuses to start without it`;
    findings.warn([table, name], told);
  }
  const [cert, key, ca] = [paths.get("cert"), paths.get("key"), paths.get("ca")];
  if (cert === undefined || key === undefined) return;
  if (names.ca !== undefined && ca === undefined) return;
  const trouble = certificateTrouble?.({ cert, key, ...(ca === undefined ? {} : { ca }) });
  if (trouble !== undefined) findings.warn([table, names.cert], trouble);
}
