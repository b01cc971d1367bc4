/** A cache directory that cannot be written: told, counted, and left alone for a while when it goes on (spec §8). */

import { type Breaker, makeBreaker } from "../base/breaker.ts";
import { isExhausted } from "../base/errno.ts";
import type { LogFields } from "../observe/log.ts";
import { noteUnread } from "./disk-state.ts";
import { SUM } from "./layout.ts";
import type { Store } from "./store.ts";

/** Refuses reservations after failures in a row, so that nothing is fetched or made for a disk that will not take it. */
export function makeWriteBreaker(options: Pick<Store, "clock" | "log" | "dir">): Breaker {
  const { clock, log, dir } = options;
  return makeBreaker({
    clock,
    changed({ refusing, forMs }) {
      if (refusing) log.warn("cache.writes_paused", { dir, forMs, effect: "nothing is kept" });
      else log.info("cache.writes_resumed", { dir });
    },
  });
}

/** A write below the cache directory has failed; `fields` say what that means. */
export function noteTrouble(
  store: Store,
  event: string,
  fields: LogFields & { readonly error: unknown },
): void {
  store.counters.add("cache_write_failed");
  // a process without descriptors is no reason to give up a disk
  if (isExhausted(fields.error)) store.writes.released();
  else {
    store.view.sums[SUM.writeFailed] = 1;
    store.writes.failed();
  }
  store.log.error(event, { ...fields, dir: store.dir });
}

/** A cached file is there and cannot be read. */
export function noteUnreadable(store: Store, relname: string, error: unknown): void {
  noteUnread(store.view);
  store.counters.add("cache_read_failed");
  store.log.error("cache.read_failed", {
    ...{ error, relname, dir: store.dir },
    effect: "it is fetched again",
  });
}

export function noteSuccess(store: Store): void {
  store.view.sums[SUM.writeFailed] = 0;
  store.writes.succeeded();
}
