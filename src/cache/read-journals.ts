/** What the journal says of the time since the checkpoint: the last word on every relname it names. */

import {
  type FactFields,
  type JournalRecord,
  journalPath,
  type PublishFields,
  readJournal,
} from "./journal.ts";

export interface Journaled {
  /** By relname, in the order of the last publishing; undefined: forgotten or evicted. */
  readonly last: ReadonlyMap<string, PublishFields | undefined>;
  /** Facts that were learned of what was published before. */
  readonly learned: ReadonlyMap<string, FactFields>;
  /** Lines that were no records. */
  readonly garbage: number;
  /** Lives of the machine the files were begun in; a file that does not say counts as "". */
  readonly boots: ReadonlySet<string>;
}

/** Reads files by rising number. Throws what the file system says. */
export function readJournals(dir: string, numbers: readonly number[]): Journaled {
  const last = new Map<string, PublishFields | undefined>();
  const learned = new Map<string, FactFields>();
  const boots = new Set<string>();
  let garbage = 0;
  let boot: string | undefined;
  for (const number of numbers) {
    boot = undefined;
    for (const record of readJournal(journalPath(dir, number))) {
      if (record === undefined) garbage++;
      else if (record.kind === "begin") boot ??= record.boot;
      else take(record, last, learned);
    }
    boots.add(boot ?? "");
  }
  return { last, learned, garbage, boots };
}

function take(
  record: Exclude<JournalRecord, { kind: "begin" }>,
  last: Map<string, PublishFields | undefined>,
  learned: Map<string, FactFields>,
): void {
  switch (record.kind) {
    case "publish": {
      const { fields } = record;
      // so that what was published last comes last
      last.delete(fields.relname);
      last.set(fields.relname, fields);
      learned.delete(fields.relname);
      return;
    }
    case "learn": {
      const { relname, facts } = record;
      const fields = last.get(relname);
      if (fields !== undefined) last.set(relname, { ...fields, ...facts });
      else if (!last.has(relname)) learned.set(relname, facts);
      return;
    }
    case "forget":
      last.set(record.relname, undefined);
      learned.delete(record.relname);
  }
}
