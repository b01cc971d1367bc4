/** The two ways of finding out what a web id stands for: taking it as it is, or asking an API (spec §5). */

import { type Breaker, makeBreaker } from "../base/breaker.ts";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { contentIdOfWebId, isWebId } from "../base/web-name.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type ApiFailure, askApi, type Fetch } from "./api-answer.ts";
import { makePathCache } from "./path-cache.ts";
import type { Resolution, Resolver } from "./resolution.ts";

export type { Resolution, Resolver } from "./resolution.ts";

/** After a failed call the stale answer stands for this long, before the API is asked for that id again. */
export const STALE_STANDS_MS = 5_000;

/** Without an API the web id *is* the content id, escaped where it would be no valid one. */
export function makeEmbeddedResolver(): Resolver {
  return {
    async resolve(webId) {
      const id = contentIdOfWebId(webId);
      return id === undefined ? { kind: "unknown" } : { kind: "known", id, ext: undefined };
    },
    forget() {
      // nothing is remembered
    },
    forgetIds() {
      // nothing is remembered
    },
  };
}

/**
 * Runs on the main thread. Workers keep what they were told once more, so an answer may be twice as old as its
 * lifetime. Only 404 means "does not exist"; everything else that is no path is a failure of the API.
 */
export function makeApiResolver(options: {
  /** `http://…`; a trailing slash is ignored. */
  readonly api: string;
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly waitMs?: number;
  readonly fetch?: Fetch;
}): Resolver {
  const { counters, log, clock } = options;
  const base = options.api.replace(/\/+$/, "");
  const waitMs = options.waitMs ?? DEADLINES.resolverMs;
  const paths = makePathCache(clock);
  /** Lookups that others may join. One that was forgotten leaves at once: its answer may be from before. */
  const flying = new TurnoverMap<string, Promise<Resolution>>();
  let callsUnderWay = 0;
  const breaker = makeBreaker({
    clock,
    changed({ refusing, forMs }) {
      if (refusing) log.warn("resolver_left_alone", { api: base, forMs });
      else log.info("resolver_back", { api: base });
    },
  });

  return {
    async resolve(webId, traceparent) {
      // `.` and `..` would name another path of the API
      if (!isWebId(webId)) return { kind: "unknown" };
      const fresh = paths.look(webId);
      if (fresh !== undefined) return fresh;
      return flying.get(webId) ?? begin(webId, traceparent);
    },
    forget(webId) {
      paths.forget(webId);
      flying.delete(webId);
    },
    forgetIds(ids) {
      paths.forgetIds(ids);
      // which of them will lead there nobody knows yet
      flying.clear();
    },
  };

  function begin(webId: string, traceparent?: string): Promise<Resolution> {
    const isCurrent = (): boolean => flying.get(webId) === flight;
    const flight: Promise<Resolution> = load(webId, isCurrent, traceparent).finally(() => {
      if (isCurrent()) flying.delete(webId);
    });
    flying.set(webId, flight);
    return flight;
  }

  async function load(
    webId: string,
    isCurrent: () => boolean,
    trace?: string,
  ): Promise<Resolution> {
    const stale = paths.lookStale(webId);
    if (callsUnderWay >= LIMITS.resolverInFlightMax) {
      if (stale !== undefined) return stale;
      throw new Fault("overloaded", "too many names are being looked up", { retryAfterMs: 1000 });
    }
    if (!breaker.enter()) {
      if (stale !== undefined) return stale;
      throw down(breaker);
    }
    const answer = await call(webId, trace);
    if (answer.kind === "failed") return standIn(webId, answer, isCurrent() ? stale : undefined);
    breaker.succeeded();
    if (isCurrent()) paths.keep(webId, answer);
    return answer;
  }

  async function call(webId: string, traceparent?: string): Promise<Resolution | ApiFailure> {
    counters.add("resolver_request");
    callsUnderWay++;
    try {
      const url = `${base}/${webId}`;
      return await askApi({ url, waitMs, traceparent, fetch: options.fetch ?? fetch });
    } finally {
      callsUnderWay--;
    }
  }

  function standIn(webId: string, failure: ApiFailure, stale: Resolution | undefined): Resolution {
    const { reason, hint } = failure;
    breaker.failed();
    counters.add("resolver_error");
    log.warn("resolver_failed", { api: base, webId, reason, hint, stale: stale !== undefined });
    if (stale === undefined) throw down(breaker);
    paths.keep(webId, stale, STALE_STANDS_MS);
    return stale;
  }
}

function down(breaker: Breaker): Fault {
  const retryAfterMs = Math.max(1000, breaker.waitMs());
  return new Fault("resolver_down", "the name of the picture cannot be looked up now", {
    retryAfterMs,
  });
}
