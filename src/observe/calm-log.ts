/** A log in which events that requests cause do not repeat themselves: one line at once, then one each `DEADLINES.logRepeatMs`. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import type { Log, LogFields } from "./log.ts";

/**
 * Events that each request may cause while something is broken, with the fields that tell one trouble from
 * another. Any other event is passed on as it is.
 */
export const REPEATED: Readonly<Record<string, readonly string[]>> = {
  "peer failed": ["peer"],
  "peer refused": ["peer", "reason"],
  "peer not reached": ["peer"],
  "peer request failed": ["peer"],
  "message from a peer failed": ["peer", "kind"],
  "connection failed": ["peer"],
  "answer broken off": ["peer"],
  "a body is continued": ["from"],
  "a body cannot be continued": [],
  "a body was cut": [],
  "a load broke off": [],
  "load failed": ["fault"],
  "request failed": ["error"],
  "a request failed outside its handler": [],
  "upload.failed": ["code"],
  "outbox.not_mended": [],
  "outbox.not_written": [],
  "upload.unchecked": [],
  "upload.owner_passed_over": ["peer"],
  "upload.peer_passed_over": ["peer"],
  "image job refused": ["id", "code"],
  "image job took too long": ["id"],
  "image worker died": ["id", "reason"],
  "cache.write_failed": [],
  "cache.read_failed": ["dir"],
  "cache.publish_failed": [],
  "cache.sync_failed": [],
  "cache.journal_failed": [],
  "cache.unlink_failed": [],
  "cache.temp_stuck": [],
  resolver_failed: ["api", "reason"],
  origin_refused: ["origin", "status"],
  origin_slow: ["origin"],
  origin_unreachable: ["origin"],
  origin_dir_missing: ["origin"],
  origin_probe_failed: ["origin"],
  origin_put_failed: ["origin"],
  origin_read_failed: ["origin"],
  origin_not_a_file: ["origin"],
  origin_answer_odd: ["origin"],
  origin_body_failed: ["origin", "reason"],
  origin_changed: ["origin"],
};

interface Trouble {
  untilMs: number;
  suppressed: number;
}

/** The next line of a trouble says how many were left out since the last, as `suppressed`. */
export function calmLog(log: Log, clock: Clock): Log {
  const troubles = new TurnoverMap<string, Trouble>();
  const calm =
    (level: keyof Log) =>
    (event: string, fields: LogFields = {}): void => {
      const by = Object.hasOwn(REPEATED, event) ? REPEATED[event] : undefined;
      if (by === undefined) {
        log[level](event, fields);
        return;
      }
      const key = JSON.stringify([event, ...by.map((name) => textOf(fields[name]))]);
      const now = clock.monotonicMs();
      const known = troubles.get(key);
      if (known !== undefined && now < known.untilMs) {
        known.suppressed++;
        return;
      }
      // the newest are the last, so that the first is the one to forget
      troubles.delete(key);
      if (troubles.size >= LIMITS.logTroublesMax) troubles.deleteFirst();
      troubles.set(key, { untilMs: now + DEADLINES.logRepeatMs, suppressed: 0 });
      const left = known?.suppressed ?? 0;
      log[level](event, left === 0 ? fields : { ...fields, suppressed: left });
    };
  // what is for people who look for a fault is not held back
  return { debug: log.debug, info: calm("info"), warn: calm("warn"), error: calm("error") };
}

function textOf(value: unknown): string {
  if (!(value instanceof Error)) return String(value);
  return value.cause === undefined ? value.message : textOf(value.cause);
}
