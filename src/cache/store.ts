/** What every writing operation of the cache works with. */

import type { Breaker } from "../base/breaker.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import type { Digests } from "./digests.ts";
import type { Eviction } from "./eviction.ts";
import type { Journal } from "./journal.ts";
import type { Writer } from "./lock.ts";
import type { Purged } from "./purged.ts";

export interface Store extends Writer {
  readonly dir: string;
  readonly journal: Journal;
  readonly digests: Digests;
  readonly eviction: Eviction;
  readonly purged: Purged;
  readonly counters: Counters;
  readonly log: Log;
  /** Whether writing is worth trying; reservations ask it. */
  readonly writes: Breaker;
  /** Reservations of this thread, so that closing can give them back. */
  readonly rooms: Set<Disposable>;
  /** Gives the files back that it has open. */
  close(): void;
}

/** The code of a file system error (`ENOENT`), or "". */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
