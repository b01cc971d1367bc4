/** S3-FIFO by bytes: who leaves first, who comes back, and that it pays. */

import { describe, expect, test } from "bun:test";
import { addGhost, takeGhost } from "../../../src/cache/ghost.ts";
import { SUM } from "../../../src/cache/layout.ts";
import { evictionContract } from "../../contract/eviction.ts";
import { type Driven, drive, nameOfNumber } from "../../support/driven-index.ts";
import { makeIndexStore } from "../../support/index-store.ts";

evictionContract("s3-fifo");

function driveS3(variants: number, slots = 1024): Driven {
  return drive({ slots, capacityBytes: variants * 4096, eviction: "s3-fifo" });
}

describe("S3-FIFO", () => {
  test("evicts one-hit wonders first, in the order they came", () => {
    const driven = driveS3(100);
    for (let n = 0; n < 50; n++) driven.admit(nameOfNumber(n));
    for (let n = 0; n < 50; n += 2) driven.hit(nameOfNumber(n));
    const victims = Array.from({ length: 20 }, () => driven.evict());
    expect(victims).toEqual(Array.from({ length: 20 }, (_, i) => nameOfNumber(2 * i + 1)));
  });

  test("lets a variant that left unseen straight into the main queue when it is asked for again", () => {
    const driven = driveS3(100);
    for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
    expect(driven.evict()).toBe(nameOfNumber(0));
    driven.admit(nameOfNumber(0));
    for (let i = 0; i < 19; i++) driven.evict();
    expect(driven.has(nameOfNumber(0))).toBe(true);
    expect(driven.has(nameOfNumber(19))).toBe(false);
  });

  test("takes from the main queue while the small one has less than a tenth of the bytes", () => {
    const driven = driveS3(100);
    for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
    for (let n = 0; n < 30; n++) driven.hit(nameOfNumber(n));
    // all were seen, so all move to main before one is named
    expect(driven.evict()).toBe(nameOfNumber(0));
    for (let n = 100; n < 109; n++) driven.admit(nameOfNumber(n));
    expect(driven.evict()).toBe(nameOfNumber(1));
    for (let n = 109; n < 112; n++) driven.admit(nameOfNumber(n));
    expect(driven.evict()).toBe(nameOfNumber(100));
  });

  test("gives a variant in the main queue one more round for each hit", () => {
    const driven = driveS3(100);
    for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
    for (let n = 0; n < 30; n++) driven.hit(nameOfNumber(n));
    expect(driven.evict()).toBe(nameOfNumber(0));
    driven.hit(nameOfNumber(1));
    // 2 to 19 had come with it and are not hit again
    for (let n = 2; n < 20; n++) expect(driven.evict()).toBe(nameOfNumber(n));
    expect(driven.evict()).toBe(nameOfNumber(1));
  });

  test("weighs bytes, not variants: one large newcomer is a small queue of its own", () => {
    const driven = driveS3(100);
    for (let n = 0; n < 30; n++) driven.admit(nameOfNumber(n));
    for (let n = 0; n < 30; n++) driven.hit(nameOfNumber(n));
    driven.evict();
    driven.admit(nameOfNumber(500), 11 * 4096);
    expect(driven.evict()).toBe(nameOfNumber(500));
  });

  test("misses less than LRU on popular pictures among one-hit wonders", () => {
    const driven = driveS3(400, 4096);
    const lru = new Map<string, true>();
    let state = 42;
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    let misses = 0;
    let lruMisses = 0;
    for (let i = 0; i < 30_000; i++) {
      const n = random() < 0.3 ? 100_000 + i : Math.floor(random() ** 3 * 3000);
      const name = nameOfNumber(n);
      if (!driven.request(name, 4096)) misses++;
      if (!lru.delete(name)) lruMisses++;
      lru.set(name, true);
      const oldest = lru.keys().next().value;
      if (lru.size > 400 && oldest !== undefined) lru.delete(oldest);
    }
    expect(misses).toBeLessThan(lruMisses * 0.95);
  });
});

describe("a ghost", () => {
  test("is remembered for 1.2 capacities' worth of bytes that left after it", () => {
    const capacityBytes = 1000 * 4096;
    for (const [share, known] of [
      [1.15, true],
      [1.25, false],
    ] as const) {
      const { view } = makeIndexStore({ slots: 8192, capacityBytes }).store;
      addGhost(view, 7, 7, 4096);
      for (let n = 0; n < 1000 * share; n++) addGhost(view, n * 7919 * 65_537, n, 4096);
      expect(takeGhost(view, 7, 7)).toBe(known);
    }
  });

  test("is forgotten by being recognised", () => {
    const { view } = makeIndexStore({ slots: 64 }).store;
    addGhost(view, 1, 2, 4096);
    expect(takeGhost(view, 1, 4)).toBe(false);
    expect(takeGhost(view, 1, 2)).toBe(true);
    expect(takeGhost(view, 1, 2)).toBe(false);
  });

  test("makes way for newer ones in its bucket, the oldest first", () => {
    const { view } = makeIndexStore({ slots: 64 }).store;
    for (let n = 0; n < 5; n++) addGhost(view, 1, 100 + 2 * n, 4096);
    expect(takeGhost(view, 1, 100)).toBe(false);
    for (let n = 1; n < 5; n++) expect(takeGhost(view, 1, 100 + 2 * n)).toBe(true);
  });

  test("keeps its time in a cache of petabytes, over the clock's 32 bits", () => {
    const { view } = makeIndexStore({ slots: 4096, capacityBytes: 2 ** 50 }).store;
    view.sums[SUM.ghostClock] = (2 ** 32 - 2) * (view.sums[SUM.ghostTick] ?? 0);
    addGhost(view, 1, 2, 2 ** 40);
    addGhost(view, 999_999_999, 3, 2 ** 49);
    expect(takeGhost(view, 1, 2)).toBe(true);
    addGhost(view, 1, 2, 2 ** 40);
    addGhost(view, 999_999_999, 3, 2 ** 51);
    expect(takeGhost(view, 1, 2)).toBe(false);
  });
});
