/** What the journal says of the time since the checkpoint: the last word on every relname it names. */

import { parseRelname } from "../base/variant.ts";
import {
  type FactFields,
  journalPath,
  type PublishFields,
  readJournal,
  type VariantRecord,
} from "./journal.ts";
import type { CacheMemory } from "./memory.ts";

export interface Journaled {
  /** By relname, in the order of the last publishing; undefined: forgotten, evicted, or made as its size is no more. */
  readonly last: ReadonlyMap<string, PublishFields | undefined>;
  /** Facts that were learned of what was published before. */
  readonly learned: ReadonlyMap<string, FactFields>;
  /** Lines that were no records. */
  readonly garbage: number;
  /** Lives of the machine the files were begun in; a file that does not say counts as "". */
  readonly boots: ReadonlySet<string>;
  /** Sizes that said something else while one of the files was written. */
  readonly reshaped: ReadonlySet<string>;
}

/** Reads files by rising number, against what sizes say now. Throws what the file system says. */
export function readJournals(
  dir: string,
  numbers: readonly number[],
  now: Pick<CacheMemory, "sizes" | "shapes">,
): Journaled {
  const shapes = new Map(now.sizes.map((size, i) => [size, now.shapes[i]]));
  const reshaped = new Set<string>();
  const last = new Map<string, PublishFields | undefined>();
  const learned = new Map<string, FactFields>();
  const boots = new Set<string>();
  let garbage = 0;
  let boot: string | undefined;
  for (const number of numbers) {
    boot = undefined;
    const said = new Map<string, string>();
    for (const record of readJournal(journalPath(dir, number))) {
      if (record === undefined) garbage++;
      else if (record.kind === "begin") boot ??= record.boot;
      else if (record.kind === "shape") {
        const { size, shape } = record;
        said.set(size, shape);
        if (shapes.has(size) && shapes.get(size) !== shape) reshaped.add(size);
      } else take(isAsNow(record, said, shapes) ? record : forgotten(record), last, learned);
    }
    boots.add(boot ?? "");
  }
  return { last, learned, garbage, boots, reshaped };
}

/** What was made while its size said something else, or nobody knows what, is no variant of that size now. */
function isAsNow(
  record: VariantRecord,
  said: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string | undefined>,
): boolean {
  // a file of before there were shapes says none
  if (record.kind !== "publish" || said.size === 0) return true;
  const size = parseRelname(record.fields.relname)?.size ?? "";
  return !now.has(size) || said.get(size) === now.get(size);
}

function forgotten(record: VariantRecord): VariantRecord {
  return record.kind === "publish" ? { kind: "forget", relname: record.fields.relname } : record;
}

function take(
  record: VariantRecord,
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
