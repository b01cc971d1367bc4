/** Hands the uploads of the outbox on, the oldest first, each until it is done: over failures and restarts. */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, type Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";
import { type BackOffWaits, makeBackOff } from "./back-off.ts";
import type { Outbox } from "./outbox.ts";
import type { OutboxRecord } from "./outbox-record.ts";

export interface OutboxRunner {
  /** Starts nothing more; resolves when what is under way has ended, or its time is up. */
  stop(): Promise<void>;
}

export interface RunOutboxOptions {
  readonly outbox: Outbox;
  /**
   * Resolves when the next hop vouches for the upload, and bounds its own time. What it throws is tried again,
   * but for `conflict` and `bad_digest`, which set the upload aside, and `withdrawn`, which ends it.
   */
  readonly send: (record: OutboxRecord) => Promise<"done">;
  /** After the record is gone: unpins the picture. */
  readonly done: (record: OutboxRecord) => void;
  /** It was withdrawn while it was sent, and has arrived: undoes that. Rejects when it cannot. */
  readonly undo: (record: OutboxRecord) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: Counters;
  /** 0 to 1. */
  readonly random?: () => number;
  readonly waits?: BackOffWaits;
  readonly sendingMax?: number;
}

/** What repeating will not change: the store has other bytes, or the picture is not what was acknowledged. */
const FINAL: ReadonlySet<string> = new Set(["conflict", "bad_digest"]);

const WAITS: BackOffWaits = {
  firstMs: DEADLINES.outboxFirstMs,
  longestMs: DEADLINES.outboxLongestMs,
};

/** A restart forgets how often a record was tried, so that it is tried at once. */
export function runOutbox(options: RunOutboxOptions): OutboxRunner {
  const { outbox, clock, random = Math.random, waits = WAITS } = options;
  const { sendingMax = LIMITS.outboxSendingMax } = options;
  const backOff = makeBackOff({ clock, waits, random });
  const sending = new Map<string, Promise<void>>();
  let timer: Timer | undefined;
  let stopped = false;

  const pump = (): void => {
    clearTimeout(timer);
    if (stopped) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const record of outbox.list()) {
      if (sending.size >= sendingMax) return;
      if (sending.has(record.relname)) continue;
      const waitMs = backOff.waitMs(record.relname);
      if (waitMs === 0) start(record);
      else nextMs = Math.min(nextMs, waitMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) timer = setTimeout(pump, Math.ceil(nextMs));
  };

  const start = (record: OutboxRecord): void => {
    const { relname } = record;
    const work = handOn(options, record).then((ended) => {
      if (ended.kind === "sent") backOff.succeeded(relname);
      else if (ended.kind !== "failed") backOff.forget(relname);
      else report(options, record, ended.fault, backOff.failed(relname, ended.atLeastMs));
      sending.delete(relname);
      pump();
    });
    sending.set(relname, work);
  };

  outbox.onAdd(pump);
  pump();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      const { promise, resolve } = Promise.withResolvers<void>();
      const late = setTimeout(resolve, DEADLINES.outboxStopMs);
      await Promise.race([Promise.all(sending.values()), promise]);
      clearTimeout(late);
    },
  };
}

type Ended =
  | { readonly kind: "sent" }
  | { readonly kind: "withdrawn" }
  | { readonly kind: "aside" }
  | { readonly kind: "failed"; readonly fault: Fault; readonly atLeastMs: number };

/** One try; never rejects. */
async function handOn(options: RunOutboxOptions, record: OutboxRecord): Promise<Ended> {
  const { outbox, send, done, counters, log } = options;
  try {
    await send(record);
    if (outbox.get(record.relname) !== record) return await undone(options, record);
    outbox.remove(record.relname);
  } catch (error) {
    const fault = asFault(error);
    if (outbox.get(record.relname) !== record) return { kind: "withdrawn" };
    if (fault.code === "withdrawn") return givenUp(options, record);
    if (FINAL.has(fault.code) && setAside(options, record, fault)) return { kind: "aside" };
    return { kind: "failed", fault, atLeastMs: fault.retryAfterMs ?? 0 };
  }
  counters.add("outbox_sent");
  try {
    done(record);
  } catch (error) {
    const effect = "it stays pinned until the next start";
    log.error("outbox.not_unpinned", { relname: record.relname, error, effect });
  }
  return { kind: "sent" };
}

/** A purge with the original has taken the record away, and perhaps another upload has come since. */
async function undone(options: RunOutboxOptions, record: OutboxRecord): Promise<Ended> {
  const { outbox, undo, log } = options;
  const { relname } = record;
  if (outbox.get(relname) !== undefined) return { kind: "withdrawn" };
  try {
    await undo(record);
  } catch (error) {
    const hint = "purge it with --origin once more";
    log.error("outbox.not_undone", { relname, error, effect: "it came back to the store", hint });
  }
  return { kind: "withdrawn" };
}

/** The next hop has heard of the purge, this node not yet. */
function givenUp({ outbox, done, log }: RunOutboxOptions, record: OutboxRecord): Ended {
  const { relname } = record;
  try {
    outbox.remove(relname);
    done(record);
  } catch (error) {
    return { kind: "failed", fault: asFault(error), atLeastMs: 0 };
  }
  log.info("outbox.withdrawn", { relname });
  return { kind: "withdrawn" };
}

function setAside(options: RunOutboxOptions, record: OutboxRecord, fault: Fault): boolean {
  const { outbox, counters, log } = options;
  const { relname } = record;
  try {
    outbox.setAside(relname);
  } catch (error) {
    log.error("outbox.stuck", { relname, error, effect: "it will be tried again" });
    return false;
  }
  counters.add("outbox_set_aside");
  log.error("outbox.set_aside", {
    relname,
    code: fault.code,
    error: fault,
    effect: "the upload is kept here and not handed on",
    hint: "compare the picture in the store with the one in the cache directory",
  });
  return true;
}

function report(
  options: RunOutboxOptions,
  record: OutboxRecord,
  error: Fault,
  retry: { readonly failures: number; readonly retryMs: number },
): void {
  const { relname, next } = record;
  options.counters.add("outbox_retry");
  const { failures } = retry;
  const retryMs = Math.round(retry.retryMs);
  options.log.warn("outbox.not_sent", { relname, next, failures, retryMs, error });
}
