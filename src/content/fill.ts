/** Brings one variant onto this node's disk while others already read it. */

import { closeSync, readSync, unlinkSync } from "node:fs";
import type { Body } from "../base/body.ts";
import { asFault, Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Purged } from "../cache/purged.ts";
import type { Reservation } from "../cache/reservation.ts";
import type { OpenFile } from "../cache/temps.ts";
import { makeDigest } from "../wire/xxhash.ts";
import type { Lead } from "./flight.ts";
import { publishFresh } from "./publish-fresh.ts";
import type { Source } from "./served.ts";

/** A source that has answered: its length is known and its bytes are about to come. */
export interface Incoming {
  readonly meta: VariantMeta;
  readonly body: Body;
  readonly source: Source;
  readonly via: string;
}

/** How bringing a body here has ended. The flight is ended too, but for `untouched`. */
export type Filled =
  | { readonly kind: "kept" }
  /** The source broke off, or brought something else than it had said. */
  | { readonly kind: "failed"; readonly fault: Fault }
  /** The disk took no byte of it: the body can still be read. */
  | { readonly kind: "untouched" }
  /** The disk took not all of it: each asker has it from the source. `whole` is a small one, all the same. */
  | { readonly kind: "unkept"; readonly whole: Uint8Array | undefined };

/**
 * Writes the body to a temporary file, publishes it and ends the flight; never throws.
 * Bytes show to readers one chunk late: only the next read proves that a chunk was not the end of
 * a body of the wrong length.
 */
export async function fill(options: {
  readonly cache: Cache;
  readonly purged: Purged;
  readonly lead: Lead;
  readonly incoming: Incoming;
  readonly reservation: Reservation;
}): Promise<Filled> {
  const { cache, purged, lead, incoming, reservation } = options;
  const { meta, body, source, via } = incoming;
  using _ = reservation;
  const file = cache.openTemp(reservation);
  if (file === undefined) return { kind: "untouched" };
  const { path: temp, fd } = file;
  try {
    lead.begin({ meta, source, via, temp, stored: false });
    const digest = makeDigest();
    await pump(body, meta.bytes, {
      write: (chunk, position) => {
        digest.update(chunk);
        write(cache, file, chunk, position);
      },
      progress: (bytes) => lead.progress(bytes),
    });
    const kept = publishFresh(
      { cache, purged },
      { room: reservation, temp, meta, digest: digest.hex() },
    );
    if (kept === "refused") {
      // who reads it as it comes has it whole
      lead.solo();
      return { kind: "unkept", whole: wholeOf(fd, meta.bytes) };
    }
    // purged meanwhile: who follows its growth has it whole, who waits for it begins anew
    lead.done({ meta, source, via, temp: "", stored: kept !== "purged" });
    return { kind: "kept" };
  } catch (error) {
    body.cancel();
    unlinkQuietly(temp);
    if (error instanceof DiskRefused) {
      cache.noteTrouble(error.cause, temp);
      lead.solo();
      return { kind: "unkept", whole: undefined };
    }
    const fault = asFault(error);
    lead.fail(fault);
    return { kind: "failed", fault };
  } finally {
    closeSync(fd);
  }
}

/** The disk did not take a chunk. */
class DiskRefused extends Error {}

function write(cache: Cache, file: OpenFile, chunk: Uint8Array, position: number): void {
  try {
    cache.writeTemp(file, chunk, position);
  } catch (cause) {
    throw new DiskRefused("a chunk could not be written", { cause });
  }
}

/** Of a file that has no name any more; only a small one, for the one asker that leads. */
function wholeOf(fd: number, bytes: number): Uint8Array | undefined {
  if (bytes > LIMITS.collectBytesMax) return undefined;
  const whole = new Uint8Array(bytes);
  try {
    return readSync(fd, whole, 0, bytes, 0) === bytes ? whole : undefined;
  } catch {
    // a disk that fails when read too: it comes from the source again
    return undefined;
  }
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // never made, already published, or already gone: all the same to whoever asks
  }
}

async function pump(
  body: Body,
  total: number,
  to: {
    write(chunk: Uint8Array, position: number): void;
    progress(bytes: number): void;
  },
): Promise<void> {
  let written = 0;
  for (;;) {
    const chunk = await body.read();
    if (written > 0) to.progress(written);
    if (chunk === undefined) break;
    if (written + chunk.length > total) {
      throw new Fault("peer_failed", "a body was longer than it said");
    }
    to.write(chunk, written);
    written += chunk.length;
  }
  if (written !== total) throw new Fault("peer_failed", "a body was shorter than it said");
}
