/** Leaves a failing store alone: its lookups and its bodies are counted, and each has a circuit breaker. */

import type { Body } from "../base/body.ts";
import { type Breaker, createBreakerMemory, makeBreaker } from "../base/breaker.ts";
import { threadsClock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { OriginParts } from "./port.ts";

/** What is left alone by itself at a store: its lookups, its bodies, and what is put there. */
const GUARDED = ["probe", "body", "put"] as const;
type Guarded = (typeof GUARDED)[number];

export interface Guard {
  /**
   * Throws `bad_origin` at once while the store is left alone, `overloaded` while `LIMITS.originLookupsMax` lookups
   * are under way; else exactly one of `found` and `failed` follows.
   */
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
export function makeGuard(store: GuardedStore, parts: OriginParts): Guard {
  const { counters, waits } = parts;
  const probes = makeNamedBreaker(store, "probe", parts);
  const bodies = makeNamedBreaker(store, "body", parts);
  const puts = makeNamedBreaker(store, "put", parts);
  let lookups = 0;
  return {
    enter() {
      if (lookups >= LIMITS.originLookupsMax) {
        counters.add("origin_refused");
        throw new Fault("overloaded", "too many originals are looked for", { retryAfterMs: 1_000 });
      }
      if (probes.enter()) {
        if (bodies.enter()) {
          lookups++;
          return;
        }
        probes.released();
      }
      counters.add("origin_refused");
      const retryAfterMs = Math.max(probes.waitMs(), bodies.waitMs());
      throw new Fault("bad_origin", "the origin store keeps failing", { retryAfterMs });
    },
    found(body) {
      lookups--;
      probes.succeeded();
      return watched(body, bodies, parts);
    },
    failed(error, deadlineMs) {
      lookups--;
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
        counters.add("origin_refused");
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

/** A store, and its position among those of the mesh. */
export interface GuardedStore {
  readonly name: string;
  readonly position: number;
}

function makeNamedBreaker(store: GuardedStore, what: Guarded, parts: OriginParts): Breaker {
  const { log, breakers } = parts;
  const { name: origin, position } = store;
  const shared = breakers !== undefined && position < LIMITS.originsSharedMax;
  const at = position * GUARDED.length + GUARDED.indexOf(what);
  return makeBreaker({
    clock: shared ? threadsClock : parts.clock,
    place: shared ? { memory: breakers, at } : undefined,
    changed({ refusing, forMs }) {
      if (refusing) log.warn("origin_left_alone", { origin, what, forMs });
      else log.info("origin_back", { origin, what });
    },
  });
}

/** For the stores of one node, all its threads. */
export function createOriginMemory(): SharedArrayBuffer {
  return createBreakerMemory(LIMITS.originsSharedMax * GUARDED.length);
}

export interface OriginState {
  readonly origin: string;
  readonly what: Guarded;
  /** Calls are refused, but for a trial now and then. */
  readonly leftAlone: boolean;
  /** Until the next trial. */
  readonly waitMs: number;
}

/** How the stores of that memory are, in the order of the file. */
export function originStates(
  memory: SharedArrayBuffer,
  names: readonly string[],
): readonly OriginState[] {
  return names.slice(0, LIMITS.originsSharedMax).flatMap((origin, position) =>
    GUARDED.map((what, i) => {
      const place = { memory, at: position * GUARDED.length + i };
      const breaker = makeBreaker({ clock: threadsClock, place, changed() {} });
      return { origin, what, leftAlone: breaker.refusing, waitMs: breaker.waitMs() };
    }),
  );
}
