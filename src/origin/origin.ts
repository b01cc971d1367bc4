/** The origins of a mesh as one: in file order on error, never on "not found" (spec §1). */

import { Fault, unreachable } from "../base/fault.ts";
import type { OriginSpec } from "../topology/topology.ts";
import { openDirectoryStore } from "./directory.ts";
import { makeOrigin } from "./look-up.ts";
import {
  ORIGIN_WAITS,
  type Origin,
  type OriginParts,
  type PutResult,
  type S3Secrets,
} from "./port.ts";
import { openS3Store } from "./s3.ts";
import { badOrigin, type Store, tooSlow } from "./store.ts";

export type { Origin, S3Secrets } from "./port.ts";

/** undefined when there are none. Opens nothing yet: a store that is down is found out by the first lookup. */
export function openOrigins(
  specs: readonly OriginSpec[],
  options: Omit<OriginParts, "waits"> &
    Partial<Pick<OriginParts, "waits">> & { readonly secrets: S3Secrets | undefined },
): Origin | undefined {
  const { secrets, waits = ORIGIN_WAITS, ...rest } = options;
  const parts: OriginParts = { ...rest, waits };
  const origins = specs.map((spec, position) =>
    makeOrigin(openStore(spec, secrets, parts), parts, position),
  );
  const [first, ...others] = origins;
  if (first === undefined) return undefined;
  return others.length === 0 ? first : inOrder(origins, parts);
}

function openStore(spec: OriginSpec, secrets: S3Secrets | undefined, parts: OriginParts): Store {
  switch (spec.kind) {
    case "directory":
      return openDirectoryStore(spec, parts);
    case "s3":
      return openS3Store(spec, secrets, parts);
    default:
      return unreachable(spec);
  }
}

/** What is left of the time is shared out, so that a first store that hangs leaves some for the next. */
function inOrder(origins: readonly Origin[], parts: OriginParts): Origin {
  return {
    name: origins.map((origin) => origin.name).join(", "),
    async open(id, options) {
      const endAt = parts.clock.monotonicMs() + options.deadlineMs;
      let failure: Fault = badOrigin();
      for (const [i, origin] of origins.entries()) {
        const left = endAt - parts.clock.monotonicMs();
        if (left <= 0) throw tooSlow();
        try {
          return await origin.open(id, { ...options, deadlineMs: left / (origins.length - i) });
        } catch (error) {
          if (!isStoreFailure(error)) throw error;
          failure = error;
        }
      }
      throw failure;
    },
    // a store that lacks it would say "not found", which is never asked of the next one: so all must have it
    async put(id, options) {
      const endAt = parts.clock.monotonicMs() + options.deadlineMs;
      let result: PutResult = "already";
      for (const origin of origins) {
        const left = endAt - parts.clock.monotonicMs();
        if (left <= 0) throw tooSlow();
        if ((await origin.put(id, { ...options, deadlineMs: left })) === "stored") {
          result = "stored";
        }
      }
      return result;
    },
    async remove(id, options) {
      const endAt = parts.clock.monotonicMs() + options.deadlineMs;
      let removed = 0;
      for (const origin of origins) {
        removed += await origin.remove(id, { deadlineMs: endAt - parts.clock.monotonicMs() });
      }
      return removed;
    },
  };
}

function isStoreFailure(error: unknown): error is Fault {
  return error instanceof Fault && (error.code === "bad_origin" || error.code === "too_slow");
}
