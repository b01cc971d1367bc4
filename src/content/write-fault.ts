/** What a write that failed means to whoever asked for it. */

import { isDiskFull } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";

const RETRY_AFTER_MS = 5_000;

export function writeFault(cause: unknown): Fault {
  return isDiskFull(cause) ? noRoom(cause) : unwritable(cause);
}

export function noRoom(cause?: unknown): Fault {
  return new Fault("disk_full", "the node has no room for this picture", { cause });
}

export function unwritable(cause?: unknown): Fault {
  const options = { cause, retryAfterMs: RETRY_AFTER_MS };
  return new Fault("unwritable", "the node cannot write to its disk", options);
}
