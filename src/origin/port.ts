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

export interface Origin {
  readonly name: string;
  /**
   * Looks for the original of a content id: at its relname, then flat; with no `ext` under each known one.
   * Faults: `not_found`, `bad_origin`, `too_slow`, `image_too_large`. Counts `origin_probe` for each name
   * asked for, and `origin_get` when the first byte of the body is asked for.
   */
  open(
    id: string,
    options: { readonly ext?: string; readonly deadlineMs: number },
  ): Promise<OriginOriginal>;
}

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
}

export const ORIGIN_WAITS: OriginWaits = {
  probeMs: DEADLINES.originProbeMs,
  headMs: DEADLINES.originHeadMs,
  stallMs: DEADLINES.bodyStallMs,
};

export interface OriginParts {
  readonly counters: Counters;
  readonly log: Log;
  readonly clock: Clock;
  readonly waits: OriginWaits;
}
