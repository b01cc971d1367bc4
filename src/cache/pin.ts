/** Pinning and unpinning of variants that are here, one at a time. */

import { join } from "node:path";
import { syncFile } from "../base/durable.ts";
import { syncFolders } from "./folders.ts";
import { STATE } from "./layout.ts";
import { mustLock, unlock } from "./lock.ts";
import { nameOf } from "./names.ts";
import { isPinned, pinFits, pinLive, unpinLive } from "./pins.ts";
import { pinnedFull } from "./publish.ts";
import { headOf, nextOf, PINNED } from "./queues.ts";
import { bytesOf, findSlot, stateOf } from "./slots.ts";
import type { Store } from "./store.ts";
import { firstHash, secondHash } from "./view.ts";

/** Pinned first, so that it cannot go while it is made durable. */
export function pin(store: Store, relname: string): boolean {
  const found = mark(store, relname);
  if (found === "missing") return false;
  try {
    // also when another thread has marked it: that one may not be done
    syncFile(join(store.dir, relname));
    syncFolders(store.dir, relname);
  } catch (error) {
    if (found === "marked") unpin(store, relname);
    throw error;
  }
  return true;
}

export function unpin(store: Store, relname: string): boolean {
  const { view } = store;
  mustLock(store);
  try {
    const slot = liveSlot(store, relname);
    if (slot < 0 || !isPinned(view, slot)) return false;
    unpinLive(view, store.eviction, slot);
    return true;
  } finally {
    unlock(view);
  }
}

export function pinnedNames(store: Store): string[] {
  const { view } = store;
  const names: string[] = [];
  mustLock(store);
  try {
    for (let slot = headOf(view, PINNED); slot >= 0; slot = nextOf(view, slot)) {
      names.push(nameOf(view, slot));
    }
  } finally {
    unlock(view);
  }
  return names;
}

function mark(store: Store, relname: string): "marked" | "pinned" | "missing" {
  const { view } = store;
  mustLock(store);
  try {
    const slot = liveSlot(store, relname);
    if (slot < 0) return "missing";
    if (isPinned(view, slot)) return "pinned";
    if (!pinFits(view, bytesOf(view, slot))) throw pinnedFull();
    pinLive(view, store.eviction, slot);
    return "marked";
  } finally {
    unlock(view);
  }
}

/** Under the lock. */
function liveSlot(store: Store, relname: string): number {
  const { view } = store;
  const slot = findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
  return slot >= 0 && stateOf(view, slot) === STATE.live ? slot : -1;
}
