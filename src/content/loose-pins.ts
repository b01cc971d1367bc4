/** Pinned pictures that no upload of the outbox stands for: a worker died between keeping one and vouching for it. */

import type { Cache } from "../cache/cache.ts";
import type { Log } from "../observe/log.ts";
import type { Outbox } from "./outbox.ts";

interface Parts {
  readonly outbox: Pick<Outbox, "list" | "aside">;
  readonly cache: Pick<Cache, "pinned" | "unpin" | "forget">;
  readonly log: Log;
}

/** Those there are now. Some may be uploads of living workers that are just being vouched for. */
export function loosePins({ outbox, cache }: Omit<Parts, "log">): ReadonlySet<string> {
  const held = new Set([...outbox.list(), ...outbox.aside()].map(({ relname }) => relname));
  return new Set(cache.pinned().filter((relname) => !held.has(relname)));
}

/** Drops those of `before` that nobody has vouched for since: their clients were never answered. */
export function dropLoosePins(parts: Parts, before: ReadonlySet<string>): number {
  const { cache, log } = parts;
  const loose = [...loosePins(parts)].filter((relname) => before.has(relname));
  for (const relname of loose) {
    cache.unpin(relname);
    cache.forget(relname);
  }
  const [example] = loose;
  if (example !== undefined) {
    const effect = "uploads that were cut off before they were acknowledged are dropped";
    log.info("outbox.loose_pins", { count: loose.length, example, effect });
  }
  return loose.length;
}
