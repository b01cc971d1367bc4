/** What a store can do: say whether a name exists, and give its bytes. Lookups and counting are `look-up.ts`. */

import type { Body } from "../base/body.ts";
import { Fault } from "../base/fault.ts";

export interface Store {
  readonly name: string;
  /** Extensions are also tried in upper case: where asking is cheap. */
  readonly upperCase: boolean;
  /**
   * HEAD or stat; undefined when there is no such name. Throws `bad_origin` or `too_slow`. The trace context goes with
   * each request that is made for it, that of its body too.
   */
  probe(path: string, waitMs: number, traceparent?: string): Promise<Stored | undefined>;
  /**
   * Stores a file under a name that was not there; durable when it resolves. "exists": somebody was faster.
   * Throws `bad_origin` or `too_slow`.
   */
  put(path: string, file: LocalOriginal, waitMs: number): Promise<"stored" | "exists">;
  /** Removes a name; whether it was there, as far as the store says. Throws `bad_origin` or `too_slow`. */
  remove(path: string, waitMs: number): Promise<boolean>;
  /** Called after no name was found: throws `bad_origin` when it is the store that is missing. */
  verify(path: string, waitMs: number): Promise<void>;
}

/** A file that was found whole. */
export interface LocalOriginal {
  readonly path: string;
  readonly bytes: number;
  readonly md5: Uint8Array;
}

export interface Stored {
  readonly bytes: number;
  /** Whatever the store changes when the bytes change. */
  readonly etag: string;
  /** Unix seconds. */
  readonly modified: number;
  /** Nothing is opened before the first read. */
  body(): Body;
}

/** For clients: nothing of the store's name, place or answer in it; the log has those. */
export function badOrigin(message = "the origin store failed", cause?: unknown): Fault {
  return new Fault("bad_origin", message, cause === undefined ? {} : { cause });
}

export function tooSlow(): Fault {
  return new Fault("too_slow", "the origin store did not answer in time");
}

/** `work`, or `too_slow` after `waitMs`; what comes later is given to `late`, so that it can be closed. */
export async function within<T>(
  waitMs: number,
  work: Promise<T>,
  late?: (value: T) => void,
): Promise<T> {
  let timer: Timer | undefined;
  let over = false;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        over = true;
        reject(tooSlow());
      },
      Math.max(0, waitMs),
    );
  });
  work.then(
    (value) => over && late?.(value),
    () => {
      // told to the caller by the race below, unless it has left already
    },
  );
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}
