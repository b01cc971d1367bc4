/** Files that the outbox vouches for, at restore: checked against it where the journal does not know them. */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import type { VariantMeta } from "../base/variant.ts";
import { fileDigest, finished } from "./file-digest.ts";
import { packMeta } from "./meta.ts";
import { isPinned, pinLive } from "./pins.ts";
import { applyRecord } from "./replay.ts";
import { bytesOf, findSlot } from "./slots.ts";
import type { Store } from "./store.ts";
import { firstHash, secondHash } from "./view.ts";

/** What the outbox says of a file. */
export interface PinnedFile extends VariantMeta {
  /** Hex. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1 << 20;
/** It may be the only copy: no purge is a reason to lose it. */
const NEVER_TOO_OLD = Number.MAX_SAFE_INTEGER;

/**
 * Gives the index what the journal lacks: a crash may have come before its record, and a loss of power may have
 * taken the record. Only the bytes that were acknowledged are taken in. Before any worker runs.
 */
export function takeInPinned(store: Store, file: PinnedFile): void {
  const slot = slotOf(store, file.relname);
  const size = sizeAt(store, file);
  if (size === undefined || (slot >= 0 && size === bytesOf(store.view, slot))) return;
  if (size !== file.bytes || sha256At(store, file) !== file.sha256) {
    store.log.error("cache.pinned_damaged", {
      relname: file.relname,
      effect: "an upload that was acknowledged cannot be handed on",
    });
    return;
  }
  const packed = packMeta(file);
  if (typeof packed === "string") return;
  const { validator, relname } = file;
  const found = finished(fileDigest(join(store.dir, relname), file.bytes));
  if (found.kind !== "digest") return;
  const fields = {
    ...packed.content,
    relname,
    validator,
    digest: found.digest,
    queue: 0,
    freq: 0,
    sourceAt: NEVER_TOO_OLD,
  };
  if (!applyRecord(store, { kind: "publish", fields })) {
    store.log.error("cache.pinned_no_place", { relname, effect: "it cannot be handed on" });
  }
}

/** Pins what is here; the relnames of the rest. */
export function pinAll(store: Store, pins: ReadonlyMap<string, PinnedFile>): string[] {
  const { view, eviction } = store;
  const lost: string[] = [];
  for (const relname of pins.keys()) {
    const slot = slotOf(store, relname);
    if (slot < 0) lost.push(relname);
    else if (!isPinned(view, slot)) pinLive(view, eviction, slot);
  }
  if (lost.length > 0) {
    store.log.error("cache.pinned_lost", {
      dir: store.dir,
      count: lost.length,
      example: lost[0],
      effect: "uploads that were acknowledged cannot be handed on",
    });
  }
  return lost;
}

function slotOf(store: Store, relname: string): number {
  const { view } = store;
  return findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
}

/** undefined when it is not there. */
function sizeAt(store: Store, file: PinnedFile): number | undefined {
  return statSync(join(store.dir, file.relname), { throwIfNoEntry: false })?.size;
}

function sha256At(store: Store, file: PinnedFile): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const fd = openSync(join(store.dir, file.relname), "r");
  try {
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) {
      hasher.update(chunk.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
  return hasher.digest("hex");
}
