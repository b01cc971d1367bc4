/** What every eviction policy must do, whatever it thinks is worth keeping. */

import { describe, expect, test } from "bun:test";
import type { Eviction } from "../../src/cache/eviction.ts";
import { HEADER, OCTET, STATE, SUM } from "../../src/cache/layout.ts";
import { accounted } from "../../src/cache/ledger.ts";
import { nameOf } from "../../src/cache/names.ts";
import { dropSlot, uncountLive } from "../../src/cache/room.ts";
import { bytesOf, findSlot, takeSlot } from "../../src/cache/slots.ts";
import {
  addSum,
  addWord,
  firstHash,
  secondHash,
  setSlotOctet,
  slotOctet,
  type View,
} from "../../src/cache/view.ts";
import { contentOf, makeIndexStore } from "../support/index-store.ts";

/** A policy on an index of its own, driven by names. */
export interface Driven {
  readonly view: View;
  /** Makes a variant live; true unless it is. */
  admit(relname: string, bytes?: number): boolean;
  has(relname: string): boolean;
  /** A hit, as `Cache.look` counts it. */
  hit(relname: string): void;
  forget(relname: string): void;
  /** The next victim's name, or undefined. */
  evict(): string | undefined;
  /** Evicts until so many bytes fit, then admits; whether it was a hit. */
  request(relname: string, bytes: number): boolean;
}

export function drive(
  make: (view: View) => Eviction,
  options: { readonly slots: number; readonly capacityBytes: number },
): Driven {
  const { view } = makeIndexStore(options).store;
  const eviction = make(view);
  const find = (relname: string) =>
    findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);

  function drop(slot: number): string {
    const relname = nameOf(view, slot);
    uncountLive(view, slot);
    dropSlot(view, slot, accounted(bytesOf(view, slot)));
    return relname;
  }

  const driven: Driven = {
    view,
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
    hit(relname) {
      const slot = find(relname);
      setSlotOctet(view, slot, OCTET.freq, Math.min(3, slotOctet(view, slot, OCTET.freq) + 1));
    },
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
      if (driven.has(relname)) {
        driven.hit(relname);
        return true;
      }
      while ((view.sums[SUM.used] ?? 0) + accounted(bytes) > options.capacityBytes) driven.evict();
      driven.admit(relname, bytes);
      return false;
    },
  };
  return driven;
}

export function nameOfNumber(n: number): string {
  return `aa/bb/cc/md/aabbcc${n}.jpg`;
}

/** Run by each policy's own test file. */
export function evictionContract(name: string, make: (view: View) => Eviction): void {
  const options = { slots: 256, capacityBytes: 100 * 4096 };

  describe(`eviction by ${name}`, () => {
    test("names every live variant once, then none", () => {
      const driven = drive(make, options);
      for (let n = 0; n < 100; n++) driven.admit(nameOfNumber(n));
      for (let n = 0; n < 100; n += 3) driven.hit(nameOfNumber(n));
      const victims = Array.from({ length: 100 }, () => driven.evict());
      expect(new Set(victims)).toEqual(
        new Set(Array.from({ length: 100 }, (_, n) => nameOfNumber(n))),
      );
      expect(driven.evict()).toBeUndefined();
    });

    test("never names what was forgotten", () => {
      const driven = drive(make, options);
      for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
      for (const n of [0, 29, 7, 8, 9]) driven.forget(nameOfNumber(n));
      const victims = Array.from({ length: 25 }, () => driven.evict());
      for (const n of [0, 29, 7, 8, 9]) expect(victims).not.toContain(nameOfNumber(n));
      expect(victims).not.toContain(undefined);
      expect(driven.evict()).toBeUndefined();
    });

    test("keeps what is asked for often through a scan of what is asked for once", () => {
      const driven = drive(make, options);
      for (let round = 0; round < 4; round++) {
        for (let n = 0; n < 40; n++) driven.request(nameOfNumber(n), 4096);
      }
      for (let n = 1000; n < 1050; n++) driven.request(nameOfNumber(n), 4096);
      const kept = Array.from({ length: 40 }, (_, n) => driven.has(nameOfNumber(n)));
      expect(kept.filter(Boolean).length).toBe(40);
    });

    test("starts anew after a reset", () => {
      const driven = drive(make, options);
      for (let n = 0; n < 10; n++) driven.admit(nameOfNumber(n));
      make(driven.view).reset();
      expect(make(driven.view).victim()).toBe(-1);
    });
  });
}
