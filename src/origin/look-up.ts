/** An origin made of one store: finds the name an original has, counts, and leaves a failing store alone. */

import type { Body } from "../base/body.ts";
import { type Breaker, makeBreaker } from "../base/breaker.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { isContentId } from "../base/variant.ts";
import { type OriginName, originNames } from "./names.ts";
import type { Origin, OriginOriginal, OriginParts } from "./port.ts";
import { badOrigin, type Store, type Stored, tooSlow } from "./store.ts";

/** Nothing is remembered between lookups: a picture put into the store is there for the next one. */
export function makeOrigin(store: Store, parts: OriginParts): Origin {
  const { clock, counters, log } = parts;
  // HEAD may work where GET fails (a policy, a broken disk), so each has a breaker of its own
  const probes = namedBreaker("probe");
  const bodies = namedBreaker("body");

  return {
    name: store.name,
    async open(id, options) {
      if (!isContentId(id)) throw new Fault("not_found", "there is no such original");
      enter();
      try {
        const found = await find(id, options);
        probes.succeeded();
        return original(found);
      } catch (error) {
        bodies.released();
        report(probes, error, options.deadlineMs);
        throw error;
      }
    },
  };

  function enter(): void {
    if (probes.enter()) {
      if (bodies.enter()) return;
      probes.released();
    }
    const retryAfterMs = Math.max(probes.waitMs(), bodies.waitMs());
    throw new Fault("bad_origin", "the origin store keeps failing", { retryAfterMs });
  }

  async function find(
    id: string,
    options: { readonly ext?: string; readonly deadlineMs: number },
  ): Promise<{ readonly name: OriginName; readonly stored: Stored }> {
    const endAt = clock.monotonicMs() + options.deadlineMs;
    const waitMs = (): number => {
      const left = endAt - clock.monotonicMs();
      if (left <= 0) throw tooSlow();
      return Math.min(left, parts.waits.probeMs);
    };
    let last = "";
    for (const name of originNames(id, { ...options, upperCase: store.upperCase })) {
      const wait = waitMs();
      counters.add("origin_probe");
      const stored = await store.probe(name.path, wait);
      if (stored !== undefined) return { name, stored: bounded(stored) };
      last = name.path;
    }
    await store.verify(last, waitMs());
    throw new Fault("not_found", "there is no such original");
  }

  function original(found: { readonly name: OriginName; readonly stored: Stored }): OriginOriginal {
    const { bytes, modified } = found.stored;
    return {
      bytes,
      validator: validatorOf(found.stored),
      modified,
      ext: found.name.ext,
      body: watched(found.stored.body()),
    };
  }

  /** Counts the GET, and tells the breaker how it began: what breaks off later is the caller's to retry. */
  function watched(body: Body): Body {
    let begun = false;
    let reported = false;
    const once = (tell: () => void): void => {
      if (!reported) tell();
      reported = true;
    };
    return {
      async read() {
        if (!begun) counters.add("origin_get");
        begun = true;
        try {
          const chunk = await body.read();
          once(() => bodies.succeeded());
          return chunk;
        } catch (error) {
          counters.add("origin_error");
          once(() => bodies.failed());
          throw error;
        }
      },
      cancel() {
        once(() => bodies.released());
        body.cancel();
      },
    };
  }

  function report(breaker: Breaker, error: unknown, deadlineMs: number): void {
    const code = error instanceof Fault ? error.code : "internal";
    if (code === "not_found" || code === "image_too_large") return breaker.succeeded();
    counters.add("origin_error");
    // a caller in a hurry proves nothing about the store
    const hurried = code === "too_slow" && deadlineMs < parts.waits.probeMs;
    if (hurried) breaker.released();
    else breaker.failed();
  }

  function namedBreaker(what: string): Breaker {
    return makeBreaker({
      clock,
      changed({ refusing, forMs }) {
        if (refusing) log.warn("origin_left_alone", { origin: store.name, what, forMs });
        else log.info("origin_back", { origin: store.name, what });
      },
    });
  }
}

function bounded(stored: Stored): Stored {
  if (stored.bytes > LIMITS.originalBytesMax) {
    throw new Fault("image_too_large", "the original is larger than any this site serves");
  }
  if (!Number.isSafeInteger(stored.bytes) || stored.bytes < 0) throw badOrigin();
  return stored;
}

/** Spec §2 "Validators": the same original gets the same validator at every node that opens the store. */
export function validatorOf(stored: Pick<Stored, "bytes" | "etag" | "modified">): string {
  const { bytes, etag, modified } = stored;
  return Bun.hash.xxHash64(`${etag}\n${bytes}\n${modified}`).toString(16).padStart(16, "0");
}
