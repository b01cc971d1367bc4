/** Names on their way in or out: nobody sees them, and nobody may publish under them. */

import { describe, expect, test } from "bun:test";
import { existsSync, unlinkSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { openCache } from "../../../src/cache/cache.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { beginJournal, takeCheckpoint } from "../../../src/cache/checkpoint.ts";
import { makeFolders } from "../../../src/cache/folders.ts";
import { journalPath } from "../../../src/cache/journal.ts";
import { HEADER, STATE } from "../../../src/cache/layout.ts";
import { tryLock, unlock } from "../../../src/cache/lock.ts";
import type { CacheMemory } from "../../../src/cache/memory.ts";
import { NO_COUNTERS, openStore } from "../../../src/cache/open-store.ts";
import { publish } from "../../../src/cache/publish.ts";
import { reserve } from "../../../src/cache/reservation.ts";
import { repairIndex } from "../../../src/cache/restore.ts";
import { type Plan, planLive, retire } from "../../../src/cache/room.ts";
import { findSlot, stateOf } from "../../../src/cache/slots.ts";
import type { Store } from "../../../src/cache/store.ts";
import { firstHash, secondHash } from "../../../src/cache/view.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  putBytes,
  walkBytes,
} from "../../support/cache-dir.ts";

const A = "vi/ra/l1/md/viral123.jpg";

/** Time goes on by 25 ms a look, so that every wait ends without waiting. */
function fastClock() {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += 25), wallSeconds: () => 0 };
}

function storeOf(made: CacheDir, worker: number): Store {
  const { memory, dir } = made;
  return openStore({
    memory,
    dir,
    worker,
    counters: NO_COUNTERS,
    log: silentLog,
    clock: fastClock(),
  });
}

function slotOf(store: Store): number {
  return findSlot(store.view, firstHash(store.view, A), secondHash(store.view, A), A);
}

/** Another worker begins to remove A and stops before the unlink. */
function beginRemoval(made: CacheDir, store: Store): Plan {
  putBytes(made.cache, A);
  const slot = slotOf(store);
  tryLock(store);
  const plan = planLive(store, [slot]);
  unlock(store.view);
  return plan;
}

/** Publishes A, doing something at the moment between the claim of the name and the rename. */
function publishWith(made: CacheDir, store: Store, between: () => void) {
  const room = reserve(store, 100);
  if (room === undefined) throw new Error("no room");
  const tempPath = made.cache.tempPath();
  writeFileSync(tempPath, Buffer.alloc(100));
  const folders = makeFolders(made.dir);
  const halted = {
    remembered: 0,
    moveIn(from: string, relname: string) {
      between();
      folders.moveIn(from, relname);
    },
  };
  return publish(store, halted, {
    room,
    tempPath,
    meta: metaOf(A, 100),
    pinned: false,
    digest: undefined,
  });
}

describe("a dying name", () => {
  test("is a miss, cannot be published and is not forgotten twice; then it is free again", () => {
    using made = makeCacheDir();
    const other = storeOf(made, 1);
    const plan = beginRemoval(made, other);
    expect(existsSync(made.cache.pathOf(A))).toBe(true);
    expect(made.cache.look(A)).toBeUndefined();
    expect(made.cache.forget(A)).toBe(false);
    const { memory, dir } = made;
    const clock = fastClock();
    const cache = openCache({
      memory,
      dir,
      worker: 2,
      counters: NO_COUNTERS,
      log: silentLog,
      clock,
    });
    expect(putBytes(cache, A)).toBe("refused");
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(DEADLINES.cacheLockMs);
    retire(other, plan);
    expect(putBytes(cache, A)).toBe("published");
    cache.close();
    other.journal.close();
    expect(checkIndex(memory)).toEqual([]);
  });

  test("of a thread that died is removed by whoever needs room next", () => {
    using made = makeCacheDir();
    const dead = storeOf(made, 1);
    beginRemoval(made, dead);
    expect(repairIndex(made.memory, 1)).toBe(false);
    expect(checkIndex(made.memory)).toEqual([]);
    made.cache.reserve(1)?.release();
    expect(existsSync(made.cache.pathOf(A))).toBe(false);
    expect(made.cache.usage()).toMatchObject({ variants: 0, bytes: walkBytes(made.dir) });
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("of a living thread is left to it when another one died", () => {
    using made = makeCacheDir();
    const living = storeOf(made, 1);
    const plan = beginRemoval(made, living);
    tryLock(storeOf(made, 2));
    expect(repairIndex(made.memory, 2)).toBe(true);
    expect(stateOf(living.view, slotOf(living))).toBe(STATE.dying);
    made.cache.reserve(1)?.release();
    expect(slotOf(living)).toBeGreaterThanOrEqual(0);
    retire(living, plan);
    expect(slotOf(living)).toBe(-1);
    living.journal.close();
    expect(checkIndex(made.memory)).toEqual([]);
  });
});

describe("a coming name", () => {
  test("is a miss until its file is in place, and no second one comes meanwhile", () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    const clock = fastClock();
    const { memory, dir } = made;
    const cache = openCache({
      memory,
      dir,
      worker: 2,
      counters: NO_COUNTERS,
      log: silentLog,
      clock,
    });
    const answer = publishWith(made, store, () => {
      expect(made.cache.look(A)).toBeUndefined();
      expect(putBytes(cache, A)).toBe("refused");
    });
    expect(answer).toBe("published");
    expect(made.cache.look(A)).toBeDefined();
    cache.close();
    store.journal.close();
    expect(checkIndex(memory)).toEqual([]);
  });

  test("that is forgotten before it has come never shows", () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    expect(publishWith(made, store, () => expect(made.cache.forget(A)).toBe(true))).toBe("refused");
    expect(made.cache.look(A)).toBeUndefined();
    expect(existsSync(made.cache.pathOf(A))).toBe(false);
    expect(made.cache.usage()).toMatchObject({ reservedBytes: 0, bytes: walkBytes(made.dir) });
    store.journal.close();
    expect(checkIndex(made.memory)).toEqual([]);
    using again = made.restart();
    expect(again.restored.variants).toBe(0);
  });

  test("whose journal file goes between its record and its rename is told again in the next", () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    const { dir } = made;
    const main = storeOf(made, 0);
    const replace = (): void => {
      const words = new Int32Array(made.memory.head);
      unlinkSync(journalPath(dir, words[HEADER.journal] ?? 0));
      words[HEADER.journal] = (words[HEADER.journal] ?? 0) + 1;
      beginJournal(main, words[HEADER.journal] ?? 0);
    };
    expect(publishWith(made, store, replace)).toBe("published");
    store.close();
    main.close();
    using again = made.restart();
    expect(again.restored).toMatchObject({ state: "partial", variants: 1, unlinked: 0 });
  });

  test("is not lost to a checkpoint that is taken meanwhile", async () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    const { memory, dir } = made;
    let tidied = Promise.resolve(false);
    publishWith(made, store, () => {
      tidied = takeCheckpoint({
        ...{ memory, dir, log: silentLog, clock: systemClock, idleBytes: 0 },
        tombstones: made.restored.tombstones,
      });
    });
    expect(await tidied).toBe(true);
    store.journal.close();
    using again = made.restart();
    expect(again.restored).toMatchObject({ variants: 1, dropped: 0, unlinked: 0 });
  });

  test("whose file cannot be moved is given up at once", () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    const failing = () => {
      throw new Error("no such disk");
    };
    expect(publishWith(made, store, failing)).toBe("refused");
    expect(slotOf(store)).toBe(-1);
    expect(made.cache.usage()).toMatchObject({ reservedBytes: 0, bytes: walkBytes(made.dir) });
    store.journal.close();
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("of a thread that died there is taken back, with its files", () => {
    using made = makeCacheDir();
    const store = storeOf(made, 1);
    const left = `${made.dir}/.mir/tmp/1-0-0`;
    let memory = made.memory;
    publishWith(made, store, () => {
      // what the memory is like at this moment is what a death at this moment leaves
      memory = copyOf(memory);
      writeFileSync(left, "half a picture");
    });
    store.journal.close();
    expect(repairIndex(memory, 1, made.dir)).toBe(false);
    expect(existsSync(left)).toBe(false);
    const options = { dir: made.dir, counters: NO_COUNTERS, log: silentLog, clock: fastClock() };
    const cache = openCache({ memory, worker: 0, ...options });
    cache.reserve(1)?.release();
    expect(existsSync(made.cache.pathOf(A))).toBe(false);
    expect(cache.usage()).toMatchObject({
      variants: 0,
      reservedBytes: 0,
      bytes: walkBytes(made.dir),
    });
    expect(checkIndex(memory)).toEqual([]);
    cache.close();
  });
});

/** The index as it is now, in memory of its own. */
function copyOf(memory: CacheMemory): CacheMemory {
  const copies = (regions: readonly SharedArrayBuffer[]) => regions.map((one) => one.slice(0));
  return {
    ...memory,
    head: memory.head.slice(0),
    slotRegions: copies(memory.slotRegions),
    cellRegions: copies(memory.cellRegions),
    ghostRegions: copies(memory.ghostRegions),
  };
}

test("while the lock is not to be had, hits go on and nothing else waits long", () => {
  using made = makeCacheDir();
  putBytes(made.cache, A);
  const room = made.cache.reserve(100);
  const { memory, dir } = made;
  const cache = openCache({
    memory,
    dir,
    worker: 2,
    counters: NO_COUNTERS,
    log: silentLog,
    clock: fastClock(),
  });
  const words = new Int32Array(memory.head);
  words[HEADER.lock] = 6;
  expect(cache.look(A)?.bytes).toBe(100);
  expect(cache.reserve(100)).toBeUndefined();
  cache.learn(A, { width: 1, height: 1, alpha: false, animated: false });
  expect(cache.usage().variants).toBe(1);
  expect(() => cache.forget(A)).toThrow("thread 5");
  words[HEADER.lock] = 0;
  room?.release();
  cache.close();
  expect(checkIndex(memory)).toEqual([]);
});
