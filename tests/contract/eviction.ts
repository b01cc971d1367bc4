/** What every eviction policy must do, whatever it thinks is worth keeping. */

import { describe, expect, test } from "bun:test";
import { checkIndex } from "../../src/cache/check.ts";
import { type Policy, SUM } from "../../src/cache/layout.ts";
import { accounted } from "../../src/cache/ledger.ts";
import { pinLive, unpinLive } from "../../src/cache/pins.ts";
import { rebuild } from "../../src/cache/rebuild.ts";
import { findSlot } from "../../src/cache/slots.ts";
import { firstHash, secondHash, sum } from "../../src/cache/view.ts";
import { type Driven, drive, nameOfNumber } from "../support/driven-index.ts";

const CAPACITY = 100 * 4096;

function slotOf({ view }: Driven, n: number): number {
  const relname = nameOfNumber(n);
  return findSlot(view, firstHash(view, relname), secondHash(view, relname), relname);
}

/** Names of all numbers, in any order. */
function namesTo(count: number): Set<string | undefined> {
  return new Set(Array.from({ length: count }, (_, n) => nameOfNumber(n)));
}

function victims(driven: Driven, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => driven.evict());
}

/** Run by each policy's own test file. */
export function evictionContract(policy: Policy): void {
  const start = (slots = 256): Driven =>
    drive({ slots, capacityBytes: CAPACITY, eviction: policy });

  describe(`eviction by ${policy}`, () => {
    test("names every live variant once, then none", () => {
      const driven = start();
      for (let n = 0; n < 100; n++) driven.admit(nameOfNumber(n));
      for (let n = 0; n < 100; n += 3) driven.hit(nameOfNumber(n));
      expect(new Set(victims(driven, 100))).toEqual(namesTo(100));
      expect(driven.evict()).toBeUndefined();
    });

    test("finds the only one in a table that is as good as empty", () => {
      const driven = start(1 << 16);
      driven.admit(nameOfNumber(7));
      expect(driven.evict()).toBe(nameOfNumber(7));
      expect(driven.evict()).toBeUndefined();
    });

    test("never names what was forgotten", () => {
      const driven = start();
      for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
      for (const n of [0, 29, 7, 8, 9]) driven.forget(nameOfNumber(n));
      const named = victims(driven, 25);
      for (const n of [0, 29, 7, 8, 9]) expect(named).not.toContain(nameOfNumber(n));
      expect(named).not.toContain(undefined);
      expect(driven.evict()).toBeUndefined();
    });

    test("passes over what is pinned until it is not", () => {
      const driven = start();
      for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
      for (const n of [0, 11, 29]) pinLive(driven.view, driven.eviction, slotOf(driven, n));
      expect(checkIndex(driven.memory)).toEqual([]);
      expect(new Set(victims(driven, 27)).has(undefined)).toBe(false);
      expect(driven.evict()).toBeUndefined();
      unpinLive(driven.view, driven.eviction, slotOf(driven, 11));
      expect(driven.evict()).toBe(nameOfNumber(11));
      expect(driven.evict()).toBeUndefined();
    });

    test("keeps what is asked for often through a scan of what is asked for once", () => {
      const driven = start();
      for (let round = 0; round < 4; round++) {
        for (let n = 0; n < 40; n++) driven.request(nameOfNumber(n), 4096);
      }
      for (let n = 1000; n < 1050; n++) driven.request(nameOfNumber(n), 4096);
      const kept = Array.from({ length: 40 }, (_, n) => driven.has(nameOfNumber(n)));
      expect(kept.filter(Boolean).length).toBe(40);
    });

    test("stays within the capacity whatever the sizes are, and its books are right", () => {
      const driven = start(1024);
      let state = 7;
      for (let i = 0; i < 3000; i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        const n = state % 400;
        driven.request(nameOfNumber(n), (n * 7919) % 60_000);
        if (state % 31 === 0 && driven.has(nameOfNumber(n))) driven.forget(nameOfNumber(n));
        expect(sum(driven.view, SUM.used)).toBeLessThanOrEqual(accounted(CAPACITY));
      }
      expect(checkIndex(driven.memory)).toEqual([]);
    });

    test("names everything after the index was mended, as if nothing had happened", () => {
      const driven = start();
      for (let n = 0; n < 50; n++) driven.admit(nameOfNumber(n));
      for (let n = 0; n < 50; n += 2) driven.hit(nameOfNumber(n));
      rebuild(driven.view, driven.eviction, 3);
      expect(checkIndex(driven.memory)).toEqual([]);
      expect(new Set(victims(driven, 50))).toEqual(namesTo(50));
    });

    test("has no victims after a reset", () => {
      const driven = start();
      for (let n = 0; n < 10; n++) driven.admit(nameOfNumber(n));
      for (let n = 0; n < 10; n++) driven.forget(nameOfNumber(n));
      driven.eviction.reset();
      expect(driven.eviction.victim()).toBe(-1);
    });
  });
}
