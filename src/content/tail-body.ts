/** A Body that reads a file while a flight is still writing it. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { isMissing } from "../base/errno.ts";
import { Fault } from "../base/fault.ts";
import type { FlightHead, Ticket } from "./flight.ts";

const CHUNK_BYTES = 128 * 1024;
/** Reads at offsets 8 and 16 of a buffer are many times slower (spikes 0.3); 64 is safe. */
const READ_AT = 64;
/** Buffers kept for the next body. */
const SPARE_MAX = 32;

const spares: Uint8Array[] = [];

/**
 * Opens the growing file at once: its inode stays readable through rename and unlink.
 * undefined when it has been published or dropped meanwhile; then the cache is the place to look.
 * Reading rejects with `disk_full` when the load goes on past the cache.
 */
export function openTail(options: {
  readonly ticket: Ticket;
  readonly head: FlightHead;
  readonly clock: Clock;
}): Body | undefined {
  const { ticket, head, clock } = options;
  const fd = openGrowing(head.temp);
  if (fd === undefined) return undefined;
  const total = head.meta.bytes;
  const buffer = spares.pop() ?? new Uint8Array(READ_AT + CHUNK_BYTES);
  let position = 0;
  let open = true;

  const close = (): void => {
    if (!open) return;
    open = false;
    closeSync(fd);
    if (spares.length < SPARE_MAX) spares.push(buffer);
  };

  /** Bytes that may be read now; throws when the load has failed. */
  const available = (): number => {
    const view = ticket.look();
    if (view.kind === "filling") return view.bytes;
    if (view.kind === "failed") throw view.fault;
    // done, or the record serves another flight by now: only the whole length proves the end
    if (fstatSync(fd).size === total && view.kind !== "opening") return total;
    if (view.kind === "solo") throw new Fault("disk_full", "the disk did not take the rest");
    throw new Fault("peer_failed", "the load broke off");
  };

  const waitForMore = async (): Promise<number> => {
    // the load itself may stall, and then go on from another source
    const giveUpAt = clock.monotonicMs() + DEADLINES.bodyStallMs + DEADLINES.bodyFailoverMs;
    for (;;) {
      const tick = ticket.tick();
      const until = available();
      if (until > position || !open) return until;
      if (clock.monotonicMs() > giveUpAt) throw new Fault("too_slow", "the body stalled");
      await ticket.changed(tick);
    }
  };

  return {
    async read() {
      if (!open) return undefined;
      try {
        if (position === total) {
          close();
          return undefined;
        }
        const until = await waitForMore();
        if (!open) throw new Fault("peer_failed", "the reader gave up");
        const wanted = Math.min(CHUNK_BYTES, until - position);
        const got = readSync(fd, buffer, READ_AT, wanted, position);
        if (got === 0) throw new Fault("peer_failed", "the file being loaded was cut");
        position += got;
        return buffer.subarray(READ_AT, READ_AT + got);
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  };
}

function openGrowing(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
