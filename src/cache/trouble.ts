/** A cache directory that cannot be written: told, counted, and left alone for a while when it goes on (spec §8). */

import { type Breaker, makeBreaker } from "../base/breaker.ts";
import type { LogFields } from "../observe/log.ts";
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
export function noteTrouble(store: Store, event: string, fields: LogFields): void {
  store.view.sums[SUM.writeFailed] = 1;
  store.counters.add("cache_write_failed");
  store.writes.failed();
  store.log.error(event, { ...fields, dir: store.dir });
}

export function noteSuccess(store: Store): void {
  store.view.sums[SUM.writeFailed] = 0;
  store.writes.succeeded();
}
