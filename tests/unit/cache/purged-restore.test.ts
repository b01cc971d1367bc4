/** A purge and the journal: what is older than the purge does not come back with a restart. */

import { describe, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  put,
  relnameOfNumber,
  walkBytes,
} from "../../support/cache-dir.ts";

const NAME = relnameOfNumber(1);
const ID = "pic000001";

function purgeNow(at: CacheDir, ageSeconds = 0): number {
  const purgedAt = systemClock.wallSeconds() - ageSeconds;
  at.restored.tombstones.apply([{ id: ID, purgedAt, action: "purge" }]);
  return purgedAt;
}

describe("after a restart", () => {
  test("a variant from before the purge is gone, though nobody came to drop it", () => {
    using first = makeCacheDir();
    put(first.cache, metaOf(NAME, 100));
    put(first.cache, metaOf(relnameOfNumber(2), 100));
    purgeNow(first);
    const second = first.restart();
    expect(second.cache.peek(NAME)).toBeUndefined();
    expect(second.cache.peek(relnameOfNumber(2))).toBeDefined();
    expect(second.restored).toMatchObject({ dropped: 1, unlinked: 1 });
  });

  test("one whose source was read after it is there, before and after the journal is rewritten", () => {
    using first = makeCacheDir();
    const purgedAt = purgeNow(first, 60);
    put(first.cache, metaOf(NAME, 100, { sourceAt: purgedAt + 5 }));
    put(first.cache, metaOf(relnameOfNumber(1, "sm"), 100, { sourceAt: purgedAt + 4 }));
    const second = first.restart();
    expect(second.cache.peek(NAME)).toBeDefined();
    expect(second.cache.peek(relnameOfNumber(1, "sm"))).toBeUndefined();
    // the tombstone was read at the start, so what is here is newer: the rewritten journal says so
    second.save();
    const third = second.restart();
    expect(third.cache.peek(NAME)).toBeDefined();
  });

  test("one that was kept before an order that came late is gone, though its record says nothing", () => {
    using first = makeCacheDir();
    put(first.cache, metaOf(NAME, 100));
    first.save();
    purgeNow(first, 3600);
    expect(first.restart().cache.peek(NAME)).toBeUndefined();
  });

  test("a file and record that come back from a backup are refused", () => {
    using first = makeCacheDir();
    put(first.cache, metaOf(NAME, 100));
    const backup = `${first.dir}.backup`;
    cpSync(first.dir, backup, { recursive: true, filter: (path) => !path.endsWith("/lock") });
    first.cache.forget(NAME);
    purgeNow(first);
    for (const file of ["pi", ".mir/journal.1"]) {
      cpSync(join(backup, file), join(first.dir, file), { recursive: true });
    }
    rmSync(backup, { recursive: true });
    expect(first.restart().cache.peek(NAME)).toBeUndefined();
  });
});

test("the file of tombstones counts against the capacity", () => {
  using made = makeCacheDir();
  const orders = Array.from({ length: 200 }, (_, i) => ({
    ...{ id: `picture-${i}`, purgedAt: 1_700_000_000, action: "purge" as const },
  }));
  made.restored.tombstones.apply(orders);
  const unaccounted = walkBytes(made.dir) - made.cache.usage().bytes;
  expect(unaccounted).toBe(0);
});
