/** Folders of the outbox that somebody has removed under the node: made again, with what is still known and still here. */

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { isMissing } from "../base/errno.ts";
import { fileNameOf, type OutboxRecord } from "./outbox-record.ts";

export interface OutboxFolder {
  readonly dir: string;
  /** What should lie there, by relname; what is lost is taken out. */
  readonly records: Map<string, OutboxRecord>;
}

export interface Mended {
  /** Records that were gone while their picture is here. */
  readonly written: number;
  /** Records that were gone with their picture. */
  readonly lost: readonly OutboxRecord[];
}

/**
 * undefined when nothing was missing. Makes no folder above its own: where that is gone, a disk may not be mounted.
 * Throws what the file system says; what is not done then is done by the next call.
 */
export function mendOutboxFolder(
  { dir, records }: OutboxFolder,
  {
    isKept,
    write,
  }: {
    readonly isKept: (relname: string) => boolean;
    readonly write: (dir: string, record: OutboxRecord) => void;
  },
): Mended | undefined {
  if (records.size === 0 && existsSync(dir)) return undefined;
  const names = namesIn(dir);
  if (names === undefined) mkdirSync(dir, { mode: 0o700 });
  const gone = [...records.values()].filter(({ relname }) => !names?.has(fileNameOf(relname)));
  if (names !== undefined && gone.length === 0) return undefined;
  const lost = gone.filter(({ relname }) => !isKept(relname));
  for (const { relname } of lost) records.delete(relname);
  const kept = gone.filter((record) => !lost.includes(record));
  for (const record of kept) write(dir, record);
  return { written: kept.length, lost };
}

function namesIn(dir: string): ReadonlySet<string> | undefined {
  try {
    return new Set(readdirSync(dir));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
