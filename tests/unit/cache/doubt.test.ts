/** Files that may not be what was published: who looks at them, when, and what becomes of those that are not. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { openCache } from "../../../src/cache/cache.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { createCacheMemory } from "../../../src/cache/memory.ts";
import { restoreCache } from "../../../src/cache/restore.ts";
import { scrub } from "../../../src/cache/scrub.ts";
import { createCounterMemory, openCounters, readCounters } from "../../../src/observe/counters.ts";
import { silentLog } from "../../../src/observe/log.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  put,
  putBytes,
  relnameOfNumber,
  SIZES,
} from "../../support/cache-dir.ts";
import { expectSound } from "../../support/sound.ts";

const A = "vi/ra/l1/md/viral123.jpg";
const B = "vi/ra/l1/sm/viral123.webp";

/** One bit, with the length as it was. */
function flip(made: CacheDir, relname: string): void {
  const path = made.cache.pathOf(relname);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

function damagedIn(made: CacheDir): string[] {
  return readdirSync(join(made.dir, ".mir/damaged"));
}

describe("a file that is looked at", () => {
  test("is sound as long as each of its bits is", async () => {
    using made = makeCacheDir({ capacityBytes: 16 << 20 });
    putBytes(made.cache, A, 0);
    put(made.cache, metaOf(B, (3 << 20) + 1));
    expect(await made.cache.inspect(A)).toBe("sound");
    expect(await made.cache.inspect(B)).toBe("sound");
    flip(made, B);
    expect(await made.cache.inspect(B)).toBe("damaged");
    expect(made.cache.peek(B)).toBeUndefined();
    expect(made.cache.inspectNow(B)).toBe("gone");
    expect(made.counters()["corrupt"]).toBe(1);
    expectSound(made);
  });

  test("and is missing goes from the index without being counted as damaged", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    unlinkSync(made.cache.pathOf(A));
    expect(made.cache.inspectNow(A)).toBe("gone");
    expect(made.cache.peek(A)).toBeUndefined();
    expect(made.counters()["corrupt"]).toBe(0);
    expectSound(made);
  });

  test("and is damaged is kept for whoever wants to see it: so many, and none that is large", () => {
    using made = makeCacheDir();
    for (let n = 0; n <= LIMITS.damagedFilesMax; n++) {
      putBytes(made.cache, relnameOfNumber(n));
      flip(made, relnameOfNumber(n));
      expect(made.cache.inspectNow(relnameOfNumber(n))).toBe("damaged");
    }
    expect(damagedIn(made).length).toBe(LIMITS.damagedFilesMax);
    unlinkSync(join(made.dir, ".mir/damaged", damagedIn(made)[0] ?? ""));
    putBytes(made.cache, A);
    // all but the first bytes are a hole
    truncateSync(made.cache.pathOf(A), LIMITS.damagedFileBytesMax + 1);
    expect(made.cache.inspectNow(A)).toBe("damaged");
    expect(damagedIn(made)).not.toContain("md-viral123.jpg");
    expect(made.logged.filter(({ event }) => event === "cache.damaged").length).toBe(
      LIMITS.damagedFilesMax + 2,
    );
  });
});

describe("after the machine was restarted", () => {
  test("every file is read before it is told of: a hit is sound, or a miss", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A, 5000);
    putBytes(made.cache, B, 5000);
    made.save();
    flip(made, A);
    using again = made.restart({ boot: "another" });
    expect(again.cache.inDoubt()).toBe(true);
    expect(again.cache.list(0, 1 << 20).metas).toEqual([]);
    expect(again.cache.look(A)).toBeUndefined();
    expect(again.cache.look(B)?.bytes).toBe(5000);
    expect(again.cache.list(0, 1 << 20).metas.map(({ relname }) => relname)).toEqual([B]);
    expect(again.counters()["corrupt"]).toBe(1);
    expectSound(again);
  });

  test("a large one is read in turns by who waits for it, a small one needs no waiting", async () => {
    using made = makeCacheDir({ capacityBytes: 16 << 20 });
    put(made.cache, metaOf(A, LIMITS.doubtAtOnceBytes + 1));
    put(made.cache, metaOf(B, LIMITS.doubtAtOnceBytes));
    made.save();
    using again = made.restart({ boot: "another" });
    expect(again.cache.settle(B)).toBeUndefined();
    const waiting = again.cache.settle(A);
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    expect(again.cache.settle(A)).toBeUndefined();
    expect(again.cache.look(A)).toBeDefined();
  });

  test("facts that are learned take no doubt away", () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    made.save();
    flip(made, A);
    using again = made.restart({ boot: "another" });
    again.cache.learn(A, { width: 1, height: 2, alpha: false, animated: false });
    expect(again.cache.look(A)).toBeUndefined();
  });
});

describe("the scrub", () => {
  const never = (): boolean => false;

  function scrubOf(made: CacheDir, what: "doubtful" | "all", stopping = never) {
    const counters = createCounterMemory(1);
    const { memory, dir } = made;
    const options = { memory, dir, log: silentLog, clock: systemClock, what, stopping };
    const done = scrub({ ...options, counters: openCounters(counters, 0), bytesPerSecond: 1e9 });
    return done.then((found) => ({ ...found, corrupt: readCounters(counters).corrupt }));
  }

  test("reads what is in doubt, and nobody doubts any more", async () => {
    using made = makeCacheDir();
    for (let n = 0; n < 10; n++) putBytes(made.cache, relnameOfNumber(n), 1000);
    made.save();
    flip(made, relnameOfNumber(3));
    using again = made.restart({ boot: "another" });
    expect(await scrubOf(again, "doubtful")).toEqual({
      ...{ files: 10, bytes: 10_000, damaged: 1, unknown: 0, corrupt: 1 },
    });
    expect(again.cache.inDoubt()).toBe(false);
    expect(again.cache.usage().variants).toBe(9);
    expect(await scrubOf(again, "doubtful")).toMatchObject({ files: 0 });
    expectSound(again);
  });

  test("finds what was spoiled while nobody doubted it", async () => {
    using made = makeCacheDir();
    for (let n = 0; n < 10; n++) putBytes(made.cache, relnameOfNumber(n));
    flip(made, relnameOfNumber(3));
    expect(await scrubOf(made, "doubtful")).toMatchObject({ files: 0 });
    expect(await scrubOf(made, "all")).toMatchObject({ files: 10, damaged: 1 });
    expect(made.cache.peek(relnameOfNumber(3))).toBeUndefined();
  });

  test("ends when it should, with the doubt as it was", async () => {
    using made = makeCacheDir();
    putBytes(made.cache, A);
    made.save();
    using again = made.restart({ boot: "another" });
    expect(await scrubOf(again, "doubtful", () => true)).toMatchObject({ files: 0 });
    expect(again.cache.inDoubt()).toBe(true);
  });
});

describe("an index that is too large to be read before anybody is served", () => {
  const VARIANTS = 700;

  test("comes while it is used: what is newer stays, what was purged meanwhile does not come", async () => {
    using made = makeCacheDir({ capacityBytes: 64 << 20, slots: 8192 });
    for (let n = 0; n < VARIANTS; n++) putBytes(made.cache, relnameOfNumber(n), 10);
    made.save();
    const { dir } = made;
    // its lock goes, its files stay
    made.restored[Symbol.dispose]();
    const memory = createCacheMemory({ capacityBytes: 64 << 20, slots: 8192, sizes: SIZES });
    const parts = { memory, dir, log: silentLog, clock: systemClock };
    using restored = restoreCache({ ...parts, indexLoadMs: 0 });
    expect(restored.variants).toBeLessThan(VARIANTS / 2);
    const counters = openCounters(createCounterMemory(2), 1);
    const cache = openCache({ ...parts, worker: 1, counters });
    const late = Array.from({ length: VARIANTS }, (_, n) => relnameOfNumber(n)).filter(
      (name) => cache.peek(name) === undefined,
    );
    const [newer = "", purged = ""] = late;
    expect(putBytes(cache, newer, 77)).toBe("published");
    const id = purged.slice(purged.lastIndexOf("/") + 1, -4);
    const purgedAt = systemClock.wallSeconds() - 10;
    restored.tombstones.apply([{ id, purgedAt, action: "purge" }]);
    await restored.load();
    expect(restored.variants).toBe(VARIANTS - 1);
    expect(cache.peek(newer)?.bytes).toBe(77);
    expect(cache.peek(purged)).toBeUndefined();
    expect(await cache.inspect(newer)).toBe("sound");
    expect(await cache.inspect(late[2] ?? "")).toBe("sound");
    expect(checkIndex(memory)).toEqual([]);
    cache.close();
  }, 20_000);
});
