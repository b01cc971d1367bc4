/** An index without files, driven by names through the policy it was made for: for contracts and benches. */

import type { Eviction } from "../../src/cache/eviction.ts";
import { HEADER, OCTET, type Policy, STATE, SUM } from "../../src/cache/layout.ts";
import { accounted } from "../../src/cache/ledger.ts";
import { lookUp } from "../../src/cache/look.ts";
import type { CacheMemory } from "../../src/cache/memory.ts";
import { nameOf } from "../../src/cache/names.ts";
import { dropSlot, uncountLive } from "../../src/cache/room.ts";
import { bytesOf, findSlot, takeSlot } from "../../src/cache/slots.ts";
import {
  addSum,
  addWord,
  firstHash,
  secondHash,
  setSlotOctet,
  sum,
  type View,
} from "../../src/cache/view.ts";
import { contentOf, makeIndexStore } from "./index-store.ts";

/** A policy on an index of its own, driven by names. */
export interface Driven {
  readonly memory: CacheMemory;
  readonly view: View;
  readonly eviction: Eviction;
  /** Makes a variant live; true unless it is. */
  admit(relname: string, bytes?: number): boolean;
  has(relname: string): boolean;
  /** A request as `Cache.look` counts it; whether it is here. */
  hit(relname: string): boolean;
  forget(relname: string): void;
  /** The next victim's name, or undefined. */
  evict(): string | undefined;
  /** Evicts until so many bytes fit, then admits; whether it was a hit. */
  request(relname: string, bytes: number): boolean;
}

/** With the policy that the node would choose. */
export function drive(options: {
  readonly slots: number;
  readonly capacityBytes: number;
  readonly eviction: Policy;
}): Driven {
  const { memory, store } = makeIndexStore(options);
  const { view, eviction } = store;
  const find = (relname: string) =>
    findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);

  function drop(slot: number): string {
    const relname = nameOf(view, slot);
    uncountLive(view, slot);
    dropSlot(view, slot, accounted(bytesOf(view, slot)));
    return relname;
  }

  const driven: Driven = {
    memory,
    view,
    eviction,
    admit(relname, bytes = 4096) {
      if (find(relname) >= 0) return false;
      const { variant, content } = contentOf(relname, bytes);
      const key = { h1: firstHash(view, relname), h2: secondHash(view, relname), variant };
      const slot = takeSlot(view, key, content, 0);
      if (slot < 0) throw new Error("the table is full");
      addSum(view, SUM.used, accounted(bytes));
      addSum(view, SUM.live, accounted(bytes));
      addWord(view, HEADER.live, 1);
      setSlotOctet(view, slot, OCTET.state, STATE.live);
      eviction.admit(slot);
      return true;
    },
    has: (relname) => find(relname) >= 0,
    hit: (relname) => lookUp(view, relname, true) !== undefined,
    forget(relname) {
      const slot = find(relname);
      eviction.remove(slot);
      drop(slot);
    },
    evict() {
      const slot = eviction.victim();
      return slot < 0 ? undefined : drop(slot);
    },
    request(relname, bytes) {
      if (driven.hit(relname)) return true;
      // what is larger than the cache is served without being kept
      if (accounted(bytes) > options.capacityBytes) return false;
      while (sum(view, SUM.used) + accounted(bytes) > options.capacityBytes) driven.evict();
      driven.admit(relname, bytes);
      return false;
    },
  };
  return driven;
}

export function nameOfNumber(n: number): string {
  return `aa/bb/cc/md/aabbcc${n}.jpg`;
}
