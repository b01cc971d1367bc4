/** The directories this node has used, as its own directory remembers them: `.mir/disks` (spec §9 `cache_dirs`). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writeDurably } from "../base/durable.ts";
import { isMissing } from "../base/errno.ts";
import { metaDir } from "./journal.ts";

export interface KnownDisk {
  /** See disk-identity.ts. */
  readonly identity: string;
  /** Of its file system, as it was last seen: its share while it is not there. */
  readonly fileSystemBytes: number;
}

/** By directory. */
export type KnownDisks = ReadonlyMap<string, KnownDisk>;

const schema = v.record(
  v.string(),
  v.object({ identity: v.string(), fileSystemBytes: v.pipe(v.number(), v.minValue(0)) }),
);

/** Nothing for a fresh node, or where the file is damaged: then every directory is taken as it is. */
export function readKnownDisks(home: string): KnownDisks {
  try {
    const found = v.safeParse(schema, JSON.parse(readFileSync(pathIn(home), "utf8")));
    return new Map(found.success ? Object.entries(found.output) : []);
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return new Map();
    throw error;
  }
}

/** Throws what the file system says. */
export function writeKnownDisks(home: string, disks: KnownDisks): void {
  const path = pathIn(home);
  const text = `${JSON.stringify(Object.fromEntries(disks), undefined, 2)}\n`;
  writeDurably({ path, tempPath: `${path}.new`, text });
}

function pathIn(home: string): string {
  return join(metaDir(home), "disks");
}
