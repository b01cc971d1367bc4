/** Room is made before anything is written, and every byte of it is accounted. */

import { describe, expect, test } from "bun:test";
import { unlinkSync, writeFileSync } from "node:fs";
import { LIMITS } from "../../../src/base/limits.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import {
  makeCacheDir,
  metaOf,
  putBytes,
  relnameOfNumber,
  walkBytes,
} from "../../support/cache-dir.ts";

const A = "vi/ra/l1/md/viral123.jpg";

describe("a reservation", () => {
  test("counts as its bytes rounded up to 4 KiB, and its own journal record", () => {
    using made = makeCacheDir();
    using room = made.cache.reserve(4097);
    expect(room?.bytes).toBe(8192);
    expect(made.cache.usage().reservedBytes).toBe(8192 + 4096);
  });

  test("can be released twice, and is released at the end of its block", () => {
    using made = makeCacheDir();
    {
      using room = made.cache.reserve(4096);
      room?.release();
      room?.release();
    }
    expect(made.cache.usage().reservedBytes).toBe(0);
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("grows by what is asked, unless there is no room for that", () => {
    using made = makeCacheDir({ capacityBytes: 256 << 10 });
    using room = made.cache.reserve(1000);
    expect(room?.grow(1000)).toBe(true);
    expect(room?.bytes).toBe(4096);
    expect(room?.grow(100_000)).toBe(true);
    expect(room?.bytes).toBe(Math.ceil(102_000 / 4096) * 4096);
    expect(room?.grow(1 << 20)).toBe(false);
    expect(room?.bytes).toBe(Math.ceil(102_000 / 4096) * 4096);
    room?.release();
    expect(room?.grow(1)).toBe(false);
    expect(made.cache.usage().reservedBytes).toBe(0);
  });

  test("larger than the capacity is refused and evicts nothing", () => {
    using made = makeCacheDir({ capacityBytes: 1 << 20 });
    for (let n = 0; n < 100; n++) putBytes(made.cache, relnameOfNumber(n));
    expect(made.cache.reserve(1 << 20)).toBeUndefined();
    expect(made.cache.usage().variants).toBe(100);
  });

  test("of no sensible length is refused", () => {
    using made = makeCacheDir();
    for (const bytes of [-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      expect(made.cache.reserve(bytes)).toBeUndefined();
    }
  });

  test("is settled to the exact size when the file turns out smaller or larger", () => {
    using made = makeCacheDir();
    for (const [n, reserved] of [1, 100_000, 20_000].entries()) {
      using room = made.cache.reserve(reserved);
      const path = made.cache.tempPath();
      writeFileSync(path, Buffer.alloc(20_000));
      if (room === undefined) throw new Error("no room");
      expect(made.cache.publish(room, path, metaOf(relnameOfNumber(n), 20_000))).toBe("published");
      expect(made.cache.usage()).toMatchObject({ reservedBytes: 0, bytes: walkBytes(made.dir) });
    }
  });

  test("is given back when its cache is closed", () => {
    using made = makeCacheDir();
    const other = made.open(1);
    const room = other.reserve(100_000);
    other.close();
    room?.release();
    expect(made.cache.usage().reservedBytes).toBe(0);
    expect(checkIndex(made.memory)).toEqual([]);
  });

  test("evicts at most its limit of variants in one go, and has it easier the next time", () => {
    const count = LIMITS.cacheVictimsMax + 100;
    using made = makeCacheDir({ capacityBytes: (count + 200) * 4096, slots: 4096 });
    for (let n = 0; n < count; n++) putBytes(made.cache, relnameOfNumber(n), 1);
    const bytes = (count + 100) * 4096;
    expect(made.cache.reserve(bytes)).toBeUndefined();
    expect(made.cache.usage().variants).toBe(100);
    expect(made.cache.reserve(bytes)?.bytes).toBe(bytes);
    expect(checkIndex(made.memory)).toEqual([]);
  });
});

test("learning facts never takes room that is not there", () => {
  using made = makeCacheDir({ capacityBytes: 128 << 10 });
  putBytes(made.cache, A);
  const { capacityBytes, bytes } = made.cache.usage();
  using room = made.cache.reserve(capacityBytes - bytes - 6 * 4096);
  expect(room).toBeDefined();
  for (let side = 1; side < 1000; side++) {
    made.cache.learn(A, { width: side, height: side, alpha: false, animated: false });
  }
  expect(made.cache.look(A)?.facts.width).toBe(999);
  const after = made.cache.usage();
  expect(after.bytes + after.reservedBytes).toBeLessThanOrEqual(capacityBytes);
  expect(after.bytes).toBe(walkBytes(made.dir));
});

test("a victim whose file cannot be unlinked keeps its bytes in the account", () => {
  using made = makeCacheDir({ capacityBytes: 128 << 10 });
  putBytes(made.cache, A, 50_000);
  // a folder with something in it cannot be unlinked, not even by root
  unlinkSync(made.cache.pathOf(A));
  Bun.spawnSync(["mkdir", "-p", `${made.cache.pathOf(A)}/x`]);
  expect(made.cache.reserve(70_000)).toBeUndefined();
  expect(made.cache.look(A)).toBeUndefined();
  expect(made.logged.at(-1)?.event).toBe("cache.unlink_failed");
  expect(checkIndex(made.memory)).toEqual([]);
  Bun.spawnSync(["rm", "-r", made.cache.pathOf(A)]);
  expect(made.cache.reserve(70_000)?.bytes).toBe(73_728);
  expect(checkIndex(made.memory)).toEqual([]);
});
