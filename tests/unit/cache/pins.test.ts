/** Pinned variants: durable, exempt from eviction and expiry, bounded, and there again after any stop. */

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { syncFileAsync } from "../../../src/base/durable.ts";
import { Fault } from "../../../src/base/fault.ts";
import type { Cache } from "../../../src/cache/cache.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { SWEEPS_PER_LIFE, sweepUnused } from "../../../src/cache/expire.ts";
import { NO_COUNTERS } from "../../../src/cache/open-store.ts";
import { PINNED_SHARE_MAX } from "../../../src/cache/pins.ts";
import { repairIndex } from "../../../src/cache/restore.ts";
import { silentLog } from "../../../src/observe/log.ts";
import { makeCacheDir, metaOf, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { recordOf, uploadBytes, uploadName } from "../../support/outbox-files.ts";
import { expectSound } from "../../support/sound.ts";

const MiB = 1 << 20;
const A = uploadName(1);

function putPinned(cache: Cache, n: number, bytes = 5000): string {
  using room = cache.reserve(bytes);
  if (room === undefined) return "no room";
  const path = cache.tempPath();
  writeFileSync(path, uploadBytes(n, bytes));
  return cache.publish(room, path, metaOf(uploadName(n), bytes, { lossySteps: 0 }), {
    pinned: true,
  });
}

describe("a variant published pinned", () => {
  test("is seen like any other, and counted as pinned", () => {
    using made = makeCacheDir();
    expect(putPinned(made.cache, 1)).toBe("published");
    expect(made.cache.look(A)?.bytes).toBe(5000);
    expect(made.cache.usage().pinnedBytes).toBe(8192);
    expect(made.cache.pinned()).toEqual([A]);
    expectSound(made);
  });

  test("outlives any number of others, and goes like them once it is unpinned", () => {
    using made = makeCacheDir({ capacityBytes: MiB });
    putPinned(made.cache, 1);
    for (let n = 0; n < 500; n++) putBytes(made.cache, relnameOfNumber(n), 8192);
    expect(made.cache.peek(A)).toBeDefined();
    expectSound(made);
    expect(made.cache.unpin(A)).toBe(true);
    expect(made.cache.unpin(A)).toBe(false);
    expect(made.cache.usage().pinnedBytes).toBe(0);
    for (let n = 500; n < 1000; n++) putBytes(made.cache, relnameOfNumber(n), 8192);
    expect(made.cache.peek(A)).toBeUndefined();
    expectSound(made);
  });

  test("is not expired, however long nobody asks for it", async () => {
    using made = makeCacheDir();
    putPinned(made.cache, 1);
    putBytes(made.cache, relnameOfNumber(1));
    const { memory, dir } = made;
    const parts = { counters: NO_COUNTERS, log: silentLog, clock: systemClock };
    for (let n = 0; n <= SWEEPS_PER_LIFE; n++) await sweepUnused({ memory, dir, ...parts });
    expect(made.cache.usage().variants).toBe(1);
    expect(made.cache.peek(A)).toBeDefined();
    expectSound(made);
  });

  test("is not forgotten while its file is there: it may be the only copy", () => {
    using made = makeCacheDir();
    putPinned(made.cache, 1);
    expect(made.cache.forget(A)).toBe(false);
    expect(made.cache.peek(A)).toBeDefined();
    unlinkSync(made.cache.pathOf(A));
    expect(made.cache.forget(A)).toBe(true);
    expect(made.cache.usage().pinnedBytes).toBe(0);
    expectSound(made);
  });

  test("may have been written to disk before, on another thread", async () => {
    using made = makeCacheDir();
    const path = made.cache.tempPath();
    writeFileSync(path, uploadBytes(1));
    await syncFileAsync(path);
    using room = made.cache.reserve(5000);
    if (room === undefined) throw new Error("no room");
    expect(made.cache.publish(room, path, metaOf(A, 5000), { pinned: true })).toBe("published");
  });

  test("leaves nothing behind when its folder cannot be made", () => {
    using made = makeCacheDir();
    writeFileSync(join(made.dir, "up"), "in the way");
    expect(putPinned(made.cache, 1)).toBe("refused");
    expect(made.cache.usage()).toMatchObject({ pinnedBytes: 0, reservedBytes: 0, variants: 0 });
    expect(readdirSync(join(made.dir, ".mir/tmp"))).toEqual([]);
    expect(checkIndex(made.memory)).toEqual([]);
  });
});

describe("pinning", () => {
  test("takes a variant that is here, and only such a one", () => {
    using made = makeCacheDir();
    expect(made.cache.pin(A)).toBe(false);
    putBytes(made.cache, A);
    expect(made.cache.pin(A)).toBe(true);
    expect(made.cache.pin(A)).toBe(true);
    expect(made.cache.pinned()).toEqual([A]);
    expect(made.cache.unpin(relnameOfNumber(1))).toBe(false);
    expectSound(made);
  });

  test("ends at half of the capacity in bytes: overloaded, and nothing is left behind", () => {
    using made = makeCacheDir({ capacityBytes: MiB });
    const room = MiB * PINNED_SHARE_MAX;
    for (let n = 0; n < room / 65_536; n++)
      expect(putPinned(made.cache, n, 65_536)).toBe("published");
    expect(made.cache.pinnable(1)).toBe(false);
    expect(() => putPinned(made.cache, 99, 100)).toThrow(Fault);
    putBytes(made.cache, relnameOfNumber(1));
    expect(() => made.cache.pin(relnameOfNumber(1))).toThrow("too many uploads");
    expect(made.cache.usage()).toMatchObject({ pinnedBytes: room, reservedBytes: 0 });
    expect(readdirSync(join(made.dir, ".mir/tmp"))).toEqual([]);
    expectSound(made);
    made.cache.unpin(uploadName(0));
    expect(made.cache.pinnable(65_536)).toBe(true);
    expect(putPinned(made.cache, 100, 65_536)).toBe("published");
  });

  test("ends at half of the slots", () => {
    using made = makeCacheDir({ slots: 64 });
    for (let n = 0; n < 20; n++) expect(putPinned(made.cache, n, 10)).toBe("published");
    expect(() => putPinned(made.cache, 20, 10)).toThrow(Fault);
    expectSound(made);
  });

  test("leaves the rest of the cache working when half of it is pinned", () => {
    using made = makeCacheDir({ capacityBytes: MiB });
    for (let n = 0; n < 8; n++) putPinned(made.cache, n, 65_536);
    for (let n = 0; n < 300; n++)
      expect(putBytes(made.cache, relnameOfNumber(n), 8192)).toBe("published");
    expect(made.cache.reserve(MiB * 0.6)).toBeUndefined();
    expect(made.cache.usage().variants).toBeGreaterThan(40);
    for (let n = 0; n < 8; n++) expect(made.cache.peek(uploadName(n))).toBeDefined();
    expectSound(made);
  });

  test("survives the repair of the index after a thread died holding its lock", () => {
    using made = makeCacheDir();
    putPinned(made.cache, 1);
    putBytes(made.cache, relnameOfNumber(1));
    const words = new Int32Array(made.memory.head);
    Atomics.store(words, 0, 6);
    expect(repairIndex(made.memory, 5)).toBe(true);
    expect(made.cache.pinned()).toEqual([A]);
    expectSound(made);
  });
});

test("files that the outbox makes take room from the variants", () => {
  using made = makeCacheDir({ capacityBytes: MiB });
  for (let n = 0; n < 200; n++) putBytes(made.cache, relnameOfNumber(n), 8192);
  mkdirSync(join(made.dir, ".mir/outbox"));
  for (let n = 0; n < 20; n++) {
    writeFileSync(join(made.dir, `.mir/outbox/${n}`), "record");
    made.cache.chargeFiles(1);
  }
  expect(made.cache.usage().bytes).toBeLessThanOrEqual(MiB);
  expectSound(made);
  for (let n = 0; n < 20; n++) unlinkSync(join(made.dir, `.mir/outbox/${n}`));
  made.cache.chargeFiles(-20);
  expectSound(made);
});

describe("after a restart", () => {
  const record = recordOf(1);

  test("what the outbox names is pinned, whatever its share, and the rest is not", () => {
    using made = makeCacheDir();
    putPinned(made.cache, 1);
    putPinned(made.cache, 2);
    using again = made.restart({ pinned: [record] });
    expect(again.cache.pinned()).toEqual([A]);
    expect(again.restored.lost).toEqual([]);
    expectSound(again);
    using small = again.restart({ pinned: [record, recordOf(2)], capacityBytes: 64 << 10 });
    expect(small.cache.pinned().length).toBe(2);
  });

  test("a pinned file that the journal does not know is taken in when its bytes are right", () => {
    using made = makeCacheDir();
    putPinned(made.cache, 1);
    const { validator, facts } = record;
    for (const name of readdirSync(join(made.dir, ".mir"))) {
      if (name.startsWith("journal.")) unlinkSync(join(made.dir, ".mir", name));
    }
    using again = made.restart({ pinned: [record] });
    expect(again.restored).toMatchObject({ variants: 1, unlinked: 0, lost: [] });
    expect(again.cache.look(A)).toMatchObject({ bytes: 5000, validator, facts });
    expect(again.cache.pinned()).toEqual([A]);
    expectSound(again);
  });

  test("one with other bytes, or none, is lost, which is said as an error", () => {
    using made = makeCacheDir();
    const path = join(made.dir, A);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, uploadBytes(7));
    using again = made.restart({ pinned: [record, recordOf(2)] });
    expect(again.restored.lost).toEqual([A, uploadName(2)]);
    expect(existsSync(path)).toBe(false);
    expect(again.logged.some((one) => one.event === "cache.pinned_damaged")).toBe(true);
    expect(again.logged.some((one) => one.event === "cache.pinned_lost")).toBe(true);
    expectSound(again);
  });
});
