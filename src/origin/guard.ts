/** Leaves a failing store alone: its lookups and its bodies are counted, and each has a circuit breaker. */

import type { Body } from "../base/body.ts";
import { type Breaker, makeBreaker } from "../base/breaker.ts";
import { Fault } from "../base/fault.ts";
import type { OriginParts } from "./port.ts";

export interface Guard {
  /** Throws `bad_origin` at once while the store is left alone; else exactly one of `found` and `failed` follows. */
  enter(): void;
  /** The body that was found, counted, and watched until its first byte. */
  found(body: Body): Body;
  /** Takes note of how a lookup ended that was given `deadlineMs`. */
  failed(error: unknown, deadlineMs: number): void;
  /** Runs a PUT, or throws `bad_origin` at once while those are left alone. */
  put<T>(run: () => Promise<T>): Promise<T>;
}

/** Faults of a PUT for which the store is not to blame. */
const NOT_THE_STORE: ReadonlySet<string> = new Set([
  "conflict",
  "bad_digest",
  "bad_request",
  "image_too_large",
]);

/**
 * HEAD may work where GET fails (a policy, a broken disk): hence two breakers, both of which must let a lookup
 * in, and a third for PUT, which fails alone where the store is full or read-only.
 */
export function makeGuard(name: string, parts: OriginParts): Guard {
  const { counters, waits } = parts;
  const probes = makeNamedBreaker(name, "probe", parts);
  const bodies = makeNamedBreaker(name, "body", parts);
  const puts = makeNamedBreaker(name, "put", parts);
  return {
    enter() {
      if (probes.enter()) {
        if (bodies.enter()) return;
        probes.released();
      }
      const retryAfterMs = Math.max(probes.waitMs(), bodies.waitMs());
      throw new Fault("bad_origin", "the origin store keeps failing", { retryAfterMs });
    },
    found(body) {
      probes.succeeded();
      return watched(body, bodies, parts);
    },
    failed(error, deadlineMs) {
      bodies.released();
      const code = error instanceof Fault ? error.code : "internal";
      if (code === "not_found" || code === "image_too_large") {
        probes.succeeded();
        return;
      }
      counters.add("origin_error");
      // a caller in a hurry proves nothing about the store
      if (code === "too_slow" && deadlineMs < waits.probeMs) probes.released();
      else probes.failed();
    },
    async put(run) {
      if (!puts.enter()) {
        throw new Fault("bad_origin", "the origin store keeps failing", {
          retryAfterMs: puts.waitMs(),
        });
      }
      try {
        const result = await run();
        puts.succeeded();
        return result;
      } catch (error) {
        if (error instanceof Fault && NOT_THE_STORE.has(error.code)) {
          puts.released();
        } else {
          counters.add("origin_error");
          puts.failed();
        }
        throw error;
      }
    },
  };
}

/** Tells the breaker how the body began; when it breaks off later, the store was at least there. */
function watched(body: Body, bodies: Breaker, parts: OriginParts): Body {
  const { counters } = parts;
  let begun = false;
  let reported = false;
  let over = false;
  const report = (tell: () => void): void => {
    if (!reported) tell();
    reported = true;
  };
  return {
    async read() {
      if (!begun && !over) counters.add("origin_get");
      begun = true;
      try {
        const chunk = await body.read();
        report(() => bodies.succeeded());
        return chunk;
      } catch (error) {
        // what a reader meets who cancelled is not the store's doing
        if (!over) counters.add("origin_error");
        over = true;
        report(() => bodies.failed());
        throw error;
      }
    },
    cancel() {
      over = true;
      report(() => bodies.released());
      body.cancel();
    },
  };
}

function makeNamedBreaker(origin: string, what: string, parts: OriginParts): Breaker {
  const { clock, log } = parts;
  return makeBreaker({
    clock,
    changed({ refusing, forMs }) {
      if (refusing) log.warn("origin_left_alone", { origin, what, forMs });
      else log.info("origin_back", { origin, what });
    },
  });
}
