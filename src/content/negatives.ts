/** Refusals remembered for a short while by the worker that met them; never on the wire or on disk (spec §5). */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { FAULTS, Fault, type FaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { parseRelname } from "../base/variant.ts";

export interface Remembered {
  readonly code: FaultCode;
  readonly message: string;
  readonly leftMs: number;
}

export interface Negatives {
  /** Throws the Fault remembered under `key`, if it is still fresh. */
  check(key: string): void;
  /** What `check` would throw, and for how long it still would. */
  look(key: string): Remembered | undefined;
  /** Remembers 404 and 422; anything else may pass by itself and is not kept. */
  keep(key: string, fault: Fault): void;
  /**
   * New content came, or content went, under this id: every key of it is forgotten. Loads that are under way
   * now may still end in a refusal that is not true any more, so for as long as one takes none is kept.
   */
  clearId(id: string): void;
}

export function makeNegatives(clock: Clock): Negatives {
  const kept = new TurnoverMap<
    string,
    { readonly code: FaultCode; readonly message: string; readonly until: number }
  >();
  /** Until when nothing is kept, by id, the oldest first. */
  const cleared = new TurnoverMap<string, number>();
  const keysOf = new TurnoverMap<string, Set<string>>();

  const drop = (key: string): void => {
    kept.delete(key);
    const id = idOfKey(key);
    const keys = keysOf.get(id);
    keys?.delete(key);
    if (keys?.size === 0) keysOf.delete(id);
  };

  const look = (key: string): Remembered | undefined => {
    const found = kept.get(key);
    const leftMs = (found?.until ?? 0) - clock.monotonicMs();
    return found !== undefined && leftMs > 0
      ? { code: found.code, message: found.message, leftMs }
      : undefined;
  };

  return {
    check(key) {
      const found = look(key);
      if (found !== undefined) throw new Fault(found.code, found.message);
      if (kept.has(key)) drop(key);
    },
    look,
    keep(key, fault) {
      const livesMs = lifeOf(fault.code);
      const id = idOfKey(key);
      const now = clock.monotonicMs();
      if (livesMs === 0 || (cleared.get(id) ?? now) > now) return;
      if (kept.size >= LIMITS.negativeMax) {
        // the oldest goes: the order is that in which keys were first set
        const oldest = kept.firstKey();
        if (oldest !== undefined) drop(oldest);
      }
      kept.set(key, { code: fault.code, message: fault.message, until: now + livesMs });
      const keys = keysOf.get(id);
      if (keys === undefined) keysOf.set(id, new Set([key]));
      else keys.add(key);
    },
    clearId(id) {
      for (const key of keysOf.get(id) ?? []) drop(key);
      const now = clock.monotonicMs();
      for (const [known, until] of cleared) {
        if (until > now && cleared.size < LIMITS.negativeMax) break;
        cleared.delete(known);
      }
      cleared.delete(id);
      cleared.set(id, now + DEADLINES.requestMs);
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
