/** Where a variant lies: good while it lies there, for every thread. */

import { afterEach, expect, test } from "bun:test";
import { UNKNOWN_FACTS } from "../../../src/base/variant.ts";
import type { Seat } from "../../../src/cache/seat.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  putBytes,
  relnameOfNumber,
} from "../../support/cache-dir.ts";

let dir: CacheDir;
afterEach(() => dir[Symbol.dispose]());

const NAME = relnameOfNumber(1);

function seated(options: Parameters<typeof makeCacheDir>[0] = {}): Seat {
  dir = makeCacheDir(options);
  putBytes(dir.cache, NAME);
  const meta = dir.cache.peek(NAME);
  const seat = meta && dir.cache.seat(meta);
  if (seat === undefined) throw new Error("it is not there");
  return seat;
}

test("a variant that is here has one, another of the same name has not", () => {
  seated();
  const meta = metaOf(NAME, 100);
  expect(dir.cache.seat({ ...meta, validator: "0123456789abcdef" })).toBeUndefined();
  expect(dir.cache.seat({ ...meta, bytes: 101 })).toBeUndefined();
  expect(dir.cache.seat(metaOf(relnameOfNumber(2), 100))).toBeUndefined();
});

test("it stands for every thread until the variant goes, and not again when it comes back", () => {
  const seat = seated();
  const other = dir.open(1);
  expect([dir.cache.stands(seat), other.stands(seat)]).toEqual([true, true]);
  other.forget(NAME);
  expect([dir.cache.stands(seat), other.stands(seat)]).toEqual([false, false]);
  putBytes(dir.cache, NAME);
  expect(dir.cache.stands(seat)).toBe(false);
  other.close();
});

test("it does not stand once more is known of the picture", () => {
  const seat = seated();
  dir.cache.learn(NAME, { ...UNKNOWN_FACTS, width: 10, height: 10 });
  expect(dir.cache.stands(seat)).toBe(false);
});

test("what is counted there is not evicted as unused", () => {
  const seat = seated({ capacityBytes: 64 * 4096 });
  const quiet = relnameOfNumber(2);
  putBytes(dir.cache, quiet);
  for (let n = 3; n < 200; n++) {
    dir.cache.count(seat);
    putBytes(dir.cache, relnameOfNumber(n));
  }
  expect([dir.cache.peek(quiet), dir.cache.stands(seat)]).toEqual([undefined, true]);
});
