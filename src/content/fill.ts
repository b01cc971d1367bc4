/** Brings one variant onto this node's disk while others already read it. */

import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import type { Body } from "../base/body.ts";
import { isDiskFull } from "../base/errno.ts";
import { asFault, Fault } from "../base/fault.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Reservation } from "../cache/reservation.ts";
import type { Lead } from "./flight-table.ts";
import type { Source } from "./served.ts";

/** A source that has answered: its length is known and its bytes are about to come. */
export interface Incoming {
  readonly meta: VariantMeta;
  readonly body: Body;
  readonly source: Source;
  readonly via: string;
}

/**
 * Writes the body to a temporary file, publishes it and ends the flight; never throws.
 * Bytes show to readers one chunk late: only the next read proves that a chunk was not the end of
 * a body of the wrong length.
 */
export async function fill(options: {
  readonly cache: Cache;
  readonly lead: Lead;
  readonly incoming: Incoming;
  readonly reservation: Reservation;
}): Promise<Fault | undefined> {
  const { cache, lead, incoming, reservation } = options;
  const { meta, body, source, via } = incoming;
  const temp = cache.tempPath();
  try {
    const fd = openSync(temp, "wx", 0o600);
    try {
      lead.begin({ meta, source, via, temp, stored: false });
      await pump(body, fd, meta.bytes, lead);
    } finally {
      closeSync(fd);
    }
    const kept = cache.publish(reservation, temp, meta);
    if (kept === "refused") throw new Fault("internal", "the variant could not be kept");
    lead.done({ meta, source, via, temp: "", stored: true });
    return undefined;
  } catch (error) {
    const fault = asDiskFault(error);
    body.cancel();
    unlinkQuietly(temp);
    lead.fail(fault);
    return fault;
  } finally {
    reservation.release();
  }
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // never made, already published, or already gone: all the same to whoever asks
  }
}

async function pump(body: Body, fd: number, total: number, lead: Lead): Promise<void> {
  let written = 0;
  for (;;) {
    const chunk = await body.read();
    if (written > 0) lead.progress(written);
    if (chunk === undefined) break;
    if (written + chunk.length > total) {
      throw new Fault("peer_failed", "a body was longer than it said");
    }
    writeWhole(fd, chunk, written);
    written += chunk.length;
  }
  if (written !== total) throw new Fault("peer_failed", "a body was shorter than it said");
}

function writeWhole(fd: number, chunk: Uint8Array, position: number): void {
  let done = 0;
  while (done < chunk.length) {
    done += writeSync(fd, chunk, done, chunk.length - done, position + done);
  }
}

function asDiskFault(error: unknown): Fault {
  if (isDiskFull(error)) return new Fault("disk_full", "the node has no room", { cause: error });
  return asFault(error);
}
