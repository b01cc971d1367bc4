/** Lines of the log for single requests: sampled ones, and those that failed or were slow, within a rate. */

import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { LogFields } from "./log.ts";
import type { TimingLevel } from "./server-timing.ts";

/** As the topology, or the command line, wants it. */
export interface RequestLogSettings {
  /** Of all requests, from 0 (none, whatever became of it) to 1. */
  readonly share: number;
  /** Milliseconds to the beginning of an answer that are slow; 0: none is. */
  readonly slowMs: number;
  /** What clients that ask for it are told of where the time went. */
  readonly timing: TimingLevel;
  /** Lines have the address of the client. */
  readonly clientAddress: boolean;
}

export interface RequestLog extends RequestLogSettings {
  /** For a request that begins: whether it is one of the sample. */
  picks(): boolean;
  /** `picked` as `picks` said; what is not of the sample is told all the same when it is remarkable. */
  line(event: "request" | "peer request", fields: LogFields, what: Remarkable): void;
  isSlow(ms: number): boolean;
  /** A request that was. */
  slow(event: "slow request" | "slow peer request", fields: LogFields): void;
}

export interface Remarkable {
  readonly picked: boolean;
  /** It failed, was slow, or somebody before has chosen it. */
  readonly remarkable: boolean;
}

export function makeRequestLog(
  options: RequestLogSettings & {
    readonly clock: Clock;
    /** From 0 to below 1. */
    readonly random: () => number;
    readonly write: (event: string, fields: LogFields) => void;
    readonly warn: (event: string, fields: LogFields) => void;
  },
): RequestLog {
  const { share, slowMs, timing, clientAddress, clock, random, write, warn } = options;
  const lines = makeRate(clock, LIMITS.remarkableLinesMax);
  const slows = makeRate(clock, LIMITS.slowLinesMax);
  const sample = share > 0 && share < 1 ? { share } : {};
  return {
    ...{ share, slowMs, timing, clientAddress },
    picks: () => share > 0 && random() < share,
    line(event, fields, { picked, remarkable }) {
      if (share === 0) return;
      if (picked) {
        write(event, { ...fields, ...sample });
        return;
      }
      if (!remarkable) return;
      const left = lines.take();
      if (left !== undefined) write(event, { ...fields, sampled: false, ...suppressed(left) });
    },
    isSlow: (ms) => slowMs > 0 && ms >= slowMs,
    slow(event, fields) {
      const left = slows.take();
      if (left !== undefined) warn(event, { ...fields, ...suppressed(left) });
    },
  };
}

/** `sampled`: by whoever asked. */
export function isRemarkable(
  log: RequestLog,
  how: { readonly status: number; readonly ms: number; readonly sampled: boolean },
): boolean {
  return how.status >= 500 || log.isSlow(how.ms) || how.sampled;
}

function suppressed(left: number): LogFields {
  return left === 0 ? {} : { suppressed: left };
}

/** At most `most` in each second; undefined when it is too many, else how many were since the last. */
function makeRate(clock: Clock, most: number): { take(): number | undefined } {
  let second = Number.NEGATIVE_INFINITY;
  let taken = 0;
  let left = 0;
  return {
    take() {
      const now = Math.floor(clock.monotonicMs() / 1000);
      if (now !== second) {
        second = now;
        taken = 0;
      }
      if (taken >= most) {
        left++;
        return undefined;
      }
      taken++;
      const before = left;
      left = 0;
      return before;
    },
  };
}
