/** An origin made of one store: finds the name an original has (spec §11 "Origin"). */

import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { isContentId } from "../base/variant.ts";
import { makeGuard } from "./guard.ts";
import { type OriginName, originNames } from "./names.ts";
import type { OpenOptions, Origin, OriginParts } from "./port.ts";
import { putOriginal } from "./put.ts";
import { removeOriginal } from "./remove.ts";
import { badOrigin, type Store, type Stored, tooSlow } from "./store.ts";

/** Nothing is remembered between lookups: a picture put into the store is there for the next one. */
export function makeOrigin(store: Store, parts: OriginParts, position = 0): Origin {
  const guard = makeGuard({ name: store.name, position }, parts);
  return {
    name: store.name,
    remove: (id, { deadlineMs }) => removeOriginal(store, parts, { id, deadlineMs }),
    put: (id, options) => guard.put(() => putOriginal(store, parts, { ...options, id })),
    async open(id, options) {
      if (!isContentId(id)) throw new Fault("not_found", "there is no such original");
      guard.enter();
      try {
        const { name, stored } = await find(store, parts, { ...options, id });
        return {
          bytes: stored.bytes,
          validator: validatorOf(stored),
          modified: stored.modified,
          ext: name.ext,
          body: guard.found(stored.body()),
        };
      } catch (error) {
        guard.failed(error, options.deadlineMs);
        throw error;
      }
    },
  };
}

/** One name after the other: most pictures are jpg at their relname, and each name asked for costs money. */
async function find(
  store: Store,
  parts: OriginParts,
  options: OpenOptions & { readonly id: string },
): Promise<{ readonly name: OriginName; readonly stored: Stored }> {
  const { clock, counters, waits } = parts;
  const endAt = clock.monotonicMs() + options.deadlineMs;
  const waitMs = (): number => {
    const left = endAt - clock.monotonicMs();
    if (left <= 0) throw tooSlow();
    return Math.min(left, waits.probeMs);
  };
  let last = "";
  for (const name of originNames(options.id, { ...options, upperCase: store.upperCase })) {
    const wait = waitMs();
    counters.add("origin_probe");
    const stored = await store.probe(name.path, wait, options.traceparent);
    if (stored !== undefined) return { name, stored: bounded(stored) };
    last = name.path;
  }
  await store.verify(last, waitMs());
  throw new Fault("not_found", "there is no such original");
}

function bounded(stored: Stored): Stored {
  if (stored.bytes > LIMITS.originalBytesMax) {
    throw new Fault("image_too_large", "the original is larger than any this site serves");
  }
  if (!Number.isSafeInteger(stored.bytes) || stored.bytes < 0) throw badOrigin();
  return stored;
}

/** Spec §2 "Validators": the same original gets the same validator at every node that opens the store. */
function validatorOf(stored: Pick<Stored, "bytes" | "etag" | "modified">): string {
  const { bytes, etag, modified } = stored;
  return Bun.hash.xxHash64(`${etag}\n${bytes}\n${modified}`).toString(16).padStart(16, "0");
}
