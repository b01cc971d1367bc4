/** Where originals come from: the port that every kind of store is seen through (spec §11 "Origin"). */

import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Counters } from "../observe/counters.ts";
import type { Log } from "../observe/log.ts";

export interface OriginOriginal {
  readonly bytes: number;
  /** 16 hex digits: hash of (store ETag, length, Last-Modified), spec §2 "Validators". */
  readonly validator: string;
  /** Unix seconds; 0 when the store did not say. */
  readonly modified: number;
  /** Of the name it was found under, in our spelling; what the bytes are is for sniffing to say. */
  readonly ext: string | undefined;
  /** Nothing is fetched before the first `read()`. Must be read to its end or cancelled. */
  readonly body: Body;
}

export interface OpenOptions {
  readonly ext?: string;
  readonly deadlineMs: number;
  /** W3C trace context of the request that it is for; stores that are asked by HTTP hear of it. */
  readonly traceparent?: string;
}

export interface Origin {
  readonly name: string;
  /**
   * Looks for the original of a content id: at its relname, then flat; with no `ext` under each known one.
   * Faults: `not_found`, `bad_origin`, `too_slow`, `image_too_large`. Counts `origin_probe` for each name
   * asked for, and `origin_get` when the first byte of the body is asked for.
   */
  open(id: string, options: OpenOptions): Promise<OriginOriginal>;
  /**
   * Stores a file as the original of an id, at its relname in size orig, and reads back that it is there.
   * "already": the same bytes were there. Nothing is ever replaced; with `unchecked` nothing is hidden either
   * that has another name. Of several origins each gets it.
   * Faults: `conflict` (other bytes are there) and `bad_digest` (the file is gone, or not what was announced)
   * will not pass by themselves; `bad_origin` and `too_slow` may. Counts `origin_put` for each file stored.
   */
  put(id: string, options: PutOptions): Promise<PutResult>;
  /**
   * Removes the original under every name that `open` would find, in all origins; how many there were.
   * Faults: `bad_origin`, `too_slow`; some may be gone by then.
   */
  remove(id: string, options: { readonly deadlineMs: number }): Promise<number>;
}

export interface PutOptions {
  readonly ext: string;
  /** The file; it must not change meanwhile. */
  readonly path: string;
  readonly bytes: number;
  /** Hex; checked before anything is sent. */
  readonly sha256?: string;
  /** Nobody could say whether the id has an original: it is looked for under every name before. */
  readonly unchecked?: boolean;
  /** For all of it, reading the file included. */
  readonly deadlineMs: number;
}

export type PutResult = "stored" | "already";

/** Keys of the object store; from the environment or the secrets file, never from the topology. */
export interface S3Secrets {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Waits at a store, in milliseconds. */
export interface OriginWaits {
  /** One HEAD or stat. */
  readonly probeMs: number;
  /** From asking for a body to its head. */
  readonly headMs: number;
  /** Between two reads of a body. */
  readonly stallMs: number;
  /** From the last byte of a PUT to its answer. */
  readonly storedMs: number;
}

export const ORIGIN_WAITS: OriginWaits = {
  probeMs: DEADLINES.originProbeMs,
  headMs: DEADLINES.originHeadMs,
  stallMs: DEADLINES.bodyStallMs,
  storedMs: DEADLINES.originStoredMs,
};

export interface OriginParts {
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly waits: OriginWaits;
  /** State of the breakers of all stores, where threads share it. */
  readonly breakers?: SharedArrayBuffer | undefined;
}
