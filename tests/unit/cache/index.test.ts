/** The table itself: its size, its limits, keys that collide and names that do not fit. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  HALF,
  HEADER,
  INLINE_CHARS_MAX,
  LAYOUT_VERSION,
  OCTET,
  PROBES_MAX,
  REGION_BITS,
  SLOTS_MAX,
  STATE,
} from "../../../src/cache/layout.ts";
import { lockHolder, mustLock, tryLock, unlock } from "../../../src/cache/lock.ts";
import { lookUp } from "../../../src/cache/look.ts";
import { type CacheMemory, createCacheMemory, variantsOf } from "../../../src/cache/memory.ts";
import { cellsFor, cellsFree, nameOf, namesSlot, writeName } from "../../../src/cache/names.ts";
import { bytesOf, findSlot, freeSlot, takeSlot, writeFacts } from "../../../src/cache/slots.ts";
import {
  firstHash,
  openView,
  secondHash,
  setSlotHalf,
  setSlotOctet,
  slotHalf,
} from "../../../src/cache/view.ts";
import { relnameOfNumber, SIZES } from "../../support/cache-dir.ts";
import { contentOf, makeIndexStore } from "../../support/index-store.ts";

describe("memory", () => {
  test("is at most 128 bytes a variant, ghosts and ends of ids included", () => {
    const slots = 1 << 20;
    const memory = createCacheMemory({ capacityBytes: 2 ** 40, slots, sizes: SIZES });
    expect(indexBytes(memory) / variantsOf(slots)).toBeLessThanOrEqual(128);
    const ghostBytes = memory.ghostRegions.reduce((sum, one) => sum + one.byteLength, 0);
    expect(ghostBytes / 8).toBeGreaterThanOrEqual(variantsOf(slots));
  });

  test("of every variant with an id of 32 characters fits, whose end takes one cell", () => {
    expect(cellsFor(INLINE_CHARS_MAX)).toBe(0);
    expect(cellsFor(32)).toBe(1);
    const { store } = makeIndexStore({ slots: 1000 });
    expect(cellsFree(store.view)).toBe(variantsOf(1000) * cellsFor(32));
    expect(cellsFor(LIMITS.contentIdCharsMax)).toBe(5);
  });

  test("is refused for more slots than have numbers, and for figures that mean nothing", () => {
    const good = { capacityBytes: 1 << 20, slots: 64, sizes: SIZES };
    const bad = [
      { slots: SLOTS_MAX + 1 },
      { slots: 0 },
      { slots: 64.5 },
      { capacityBytes: 0 },
      { capacityBytes: Number.NaN },
      { sizes: [] },
      { sizes: ["md", "md"] },
      { sizes: Array.from({ length: 256 }, (_, i) => `s${i}`) },
    ];
    for (const change of bad)
      expect(() => createCacheMemory({ ...good, ...change })).toThrow(Fault);
    expect(() => createCacheMemory({ ...good, slots: SLOTS_MAX + 1 })).toThrow(
      `to ${SLOTS_MAX} slots`,
    );
  });

  test("of another layout is refused", () => {
    const memory = createCacheMemory({ capacityBytes: 1 << 20, slots: 64, sizes: SIZES });
    expect(() => openView({ ...memory, layoutVersion: LAYOUT_VERSION + 1 })).toThrow(Fault);
    new Int32Array(memory.head)[HEADER.version] = LAYOUT_VERSION + 1;
    expect(() => openView(memory)).toThrow(Fault);
  });

  test("gives every table its own seeds, so that no one can choose ids that collide", () => {
    const seeds = [1, 2, 3].map(
      () => openView(createCacheMemory({ capacityBytes: 1 << 20, slots: 64, sizes: SIZES })).seed1,
    );
    expect(new Set(seeds).size).toBe(3);
  });

  test("beyond 2 GiB of slots lies in several regions, and is there for the asking", () => {
    const slots = 2 ** REGION_BITS * 2 + 5;
    const memory = createCacheMemory({ capacityBytes: 2 ** 46, slots, sizes: SIZES });
    expect(memory.slotRegions.map((one) => one.byteLength)).toEqual([2 ** 31, 2 ** 31, 5 * 64]);
    const view = openView(memory);
    const last = Array.from({ length: 7 }, (_, n) => {
      const { variant, content } = contentOf(relnameOfNumber(n), 100 + n);
      return takeSlot(view, { h1: -1, h2: n, variant }, content, 0);
    });
    // the last slot, and round the end
    expect(last).toEqual([slots - 1, 0, 1, 2, 3, 4, 5]);
    expect(nameOf(view, slots - 1)).toBe(relnameOfNumber(0));
    expect(bytesOf(view, slots - 1)).toBe(100);
  });
});

describe("the table", () => {
  test("keeps names apart whose 64 bits of hash are the same", () => {
    const { store } = makeIndexStore({ slots: 64 });
    const { view } = store;
    const names = [1, 2, 3].map((n) => relnameOfNumber(n));
    const slots = names.map((relname) => {
      const { variant, content } = contentOf(relname, 100);
      return takeSlot(view, { h1: 77, h2: 88, variant }, content, 0);
    });
    expect(new Set(slots).size).toBe(3);
    expect(names.map((relname) => findSlot(view, 77, 88, relname))).toEqual(slots);
    freeSlot(view, slots[0] ?? -1);
    expect(names.map((relname) => findSlot(view, 77, 88, relname))).toEqual([
      -1,
      ...slots.slice(1),
    ]);
    expect(findSlot(view, 77, 88, relnameOfNumber(4))).toBe(-1);
  });

  test("goes round its end", () => {
    const { store } = makeIndexStore({ slots: 64 });
    const { view } = store;
    const slots = [1, 2, 3].map((n) => {
      const { variant, content } = contentOf(relnameOfNumber(n), 100);
      return takeSlot(view, { h1: -1, h2: n, variant }, content, 0);
    });
    expect(slots).toEqual([63, 0, 1]);
    for (const [i, slot] of slots.entries()) {
      expect(findSlot(view, -1, i + 1, relnameOfNumber(i + 1))).toBe(slot);
    }
    for (const slot of slots) freeSlot(view, slot);
    for (let slot = 0; slot < 64; slot++) expect(slotHalf(view, slot, HALF.passed)).toBe(0);
  });

  test("refuses a key whose home is crowded beyond the longest probe", () => {
    const { store } = makeIndexStore({ slots: PROBES_MAX * 4 });
    const take = (n: number) => {
      const { variant, content } = contentOf(relnameOfNumber(n), 100);
      return takeSlot(store.view, { h1: 1, h2: n, variant }, content, 0);
    };
    for (let n = 1; n <= PROBES_MAX; n++) expect(take(n)).toBe(n - 1);
    expect(take(PROBES_MAX + 1)).toBe(-1);
    expect(findSlot(store.view, 1, PROBES_MAX, relnameOfNumber(PROBES_MAX))).toBe(PROBES_MAX - 1);
    expect(findSlot(store.view, 1, 5000, relnameOfNumber(5000))).toBe(-1);
  });

  test("gives the whole name back, of whatever length", () => {
    const { store } = makeIndexStore({ slots: 64 });
    for (let chars = 6; chars <= LIMITS.contentIdCharsMax; chars++) {
      const id = "A-z_09".repeat(16).slice(0, chars);
      const relname = `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/xl/${id}.avif`;
      const { variant, content } = contentOf(relname, 5 * 2 ** 30);
      const slot = takeSlot(store.view, { h1: chars, h2: 1, variant }, content, 0);
      expect(nameOf(store.view, slot)).toBe(relname);
      for (let at = 12; at < relname.length; at++) {
        const other = `${relname.slice(0, at)}${relname[at] === "B" ? "C" : "B"}${relname.slice(at + 1)}`;
        expect(namesSlot(store.view, slot, other)).toBe(false);
      }
      freeSlot(store.view, slot);
    }
    expect(cellsFree(store.view)).toBe(variantsOf(64));
  });

  test("refuses an id for whose end the arena has no room, and loses nothing by it", () => {
    const { store } = makeIndexStore({ slots: 16 });
    const { view } = store;
    const long = contentOf(`aa/aa/aa/md/${"a".repeat(96)}.jpg`, 1).variant;
    expect(writeName(view, 0, long)).toBe(true);
    const before = cellsFree(view);
    expect(before).toBeLessThan(cellsFor(96));
    expect(writeName(view, 1, long)).toBe(false);
    expect(cellsFree(view)).toBe(before);
    expect(writeName(view, 1, { ...long, id: "a".repeat(32) })).toBe(true);
  });

  test("shows a reader no slot that is being rewritten", () => {
    const { store } = makeIndexStore({ slots: 64 });
    const { view } = store;
    const relname = relnameOfNumber(1);
    const slot = placeLive(store.view, relname);
    expect(lookUp(view, relname, false)?.bytes).toBe(100);
    const version = slotHalf(view, slot, HALF.version);
    setSlotHalf(view, slot, HALF.version, version + 1);
    expect(lookUp(view, relname, false)).toBeUndefined();
    setSlotHalf(view, slot, HALF.version, version + 2);
    writeFacts(view, slot, { width: 5, height: 6, flags: 3 });
    expect(lookUp(view, relname, false)?.facts).toEqual({
      width: 5,
      height: 6,
      alpha: true,
      animated: true,
    });
  });

  test("shows a reader only live slots", () => {
    const { store } = makeIndexStore({ slots: 64 });
    const relname = relnameOfNumber(1);
    const slot = placeLive(store.view, relname);
    for (const hidden of [STATE.dying, STATE.coming, STATE.doomed]) {
      setSlotOctet(store.view, slot, OCTET.state, hidden);
      expect(lookUp(store.view, relname, true)).toBeUndefined();
    }
  });
});

describe("the writer lock", () => {
  test("carries its holder's number, main's too", () => {
    const { store } = makeIndexStore({ slots: 64 });
    expect(lockHolder(store.view)).toBeUndefined();
    for (const worker of [0, 1, LIMITS.workersMax]) {
      expect(tryLock({ ...store, worker })).toBe(true);
      expect(lockHolder(store.view)).toBe(worker);
      unlock(store.view);
    }
  });

  test("is given up for after its deadline, and for work that must be done after the repair's", () => {
    let nowMs = 0;
    const clock = { monotonicMs: () => nowMs++, wallSeconds: () => 0 };
    const { store } = makeIndexStore({ slots: 64, clock });
    expect(tryLock({ ...store, worker: 3 })).toBe(true);
    expect(tryLock(store)).toBe(false);
    expect(nowMs).toBeGreaterThanOrEqual(DEADLINES.cacheLockMs);
    clock.monotonicMs = () => {
      nowMs += 1000;
      return nowMs;
    };
    expect(() => mustLock(store)).toThrow("thread 3");
    expect(nowMs).toBeGreaterThanOrEqual(DEADLINES.cacheRepairMs);
  });
});

/** Everything that grows with the number of variants. */
function indexBytes(memory: CacheMemory): number {
  const regions = [...memory.slotRegions, ...memory.cellRegions, ...memory.ghostRegions];
  return regions.reduce((sum, one) => sum + one.byteLength, 0);
}

function placeLive(view: ReturnType<typeof openView>, relname: string): number {
  const { variant, content } = contentOf(relname, 100);
  const key = { h1: hashes(view, relname)[0], h2: hashes(view, relname)[1], variant };
  const slot = takeSlot(view, key, content, 0);
  setSlotOctet(view, slot, OCTET.state, STATE.live);
  return slot;
}

function hashes(view: ReturnType<typeof openView>, relname: string): readonly [number, number] {
  return [firstHash(view, relname), secondHash(view, relname)];
}
