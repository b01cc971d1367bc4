/** Refusals remembered for a short while by the worker that met them; never on the wire or on disk (spec §5). */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { FAULTS, Fault, type FaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { parseRelname } from "../base/variant.ts";

export interface Negatives {
  /** Throws the Fault remembered under `key`, if it is still fresh. */
  check(key: string): void;
  /** Remembers 404 and 422; anything else may pass by itself and is not kept. */
  keep(key: string, fault: Fault): void;
  /** New content came, or content went, under this id: every key of it is forgotten. */
  clearId(id: string): void;
}

export function makeNegatives(clock: Clock): Negatives {
  const kept = new Map<
    string,
    { readonly code: FaultCode; readonly message: string; readonly until: number }
  >();
  return {
    check(key) {
      const found = kept.get(key);
      if (found === undefined) return;
      if (found.until > clock.monotonicMs()) throw new Fault(found.code, found.message);
      kept.delete(key);
    },
    keep(key, fault) {
      const livesMs = lifeOf(fault.code);
      if (livesMs === 0) return;
      if (kept.size >= LIMITS.negativeMax) {
        // the oldest goes: a Map keeps the order in which keys were first set
        const oldest = kept.keys().next();
        if (!oldest.done) kept.delete(oldest.value);
      }
      kept.set(key, {
        code: fault.code,
        message: fault.message,
        until: clock.monotonicMs() + livesMs,
      });
    },
    clearId(id) {
      for (const key of kept.keys()) if (idOfKey(key) === id) kept.delete(key);
    },
  };
}

/** Keys are an id, `{id}/…`, or a relname. */
function idOfKey(key: string): string {
  return parseRelname(key)?.id ?? key.split("/")[0] ?? key;
}

function lifeOf(code: FaultCode): number {
  if (code === "not_found") return DEADLINES.negativeOriginMs;
  return FAULTS[code].status === 422 ? DEADLINES.negativeUndecodableMs : 0;
}
