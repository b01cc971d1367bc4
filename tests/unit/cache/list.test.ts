/** Walking the index: every variant once, in turns, without touching anything. */

import { expect, test } from "bun:test";
import type { Cache } from "../../../src/cache/cache.ts";
import { makeCacheDir, metaOf, put, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";

/** Relnames in the order of the walk; `between` runs after each turn. */
function walk(cache: Cache, slotsMax: number, between: () => void = () => {}): string[] {
  const met: string[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const listed: ReturnType<Cache["list"]> = cache.list(from, slotsMax);
    expect(listed.metas.length).toBeLessThanOrEqual(slotsMax);
    met.push(...listed.metas.map((meta) => meta.relname));
    from = listed.next;
    between();
  }
  return met;
}

const names = Array.from({ length: 200 }, (_, n) => relnameOfNumber(n));

test("an empty index lists nothing", () => {
  using made = makeCacheDir();
  expect(walk(made.cache, 100)).toEqual([]);
});

test("every variant is met once, whatever the length of a turn", () => {
  using made = makeCacheDir();
  for (const name of names) putBytes(made.cache, name);
  for (const slotsMax of [1, 7, 256, 1_000_000]) {
    expect(walk(made.cache, slotsMax).sort()).toEqual([...names].sort());
  }
});

test("a variant is listed as it was published, long ids too", () => {
  using made = makeCacheDir();
  const id = "x".repeat(96);
  const facts = { width: 40, height: 30, alpha: true, animated: false };
  const meta = metaOf(`xx/xx/xx/sm/${id}.png`, 123, { facts, lossySteps: 2 });
  put(made.cache, meta);
  expect(made.cache.list(0, 1_000_000).metas).toEqual([meta]);
});

test("what stays is met although other variants come and go meanwhile", () => {
  using made = makeCacheDir();
  for (const name of names) putBytes(made.cache, name);
  const [staying, going] = [names.slice(0, 100), names.slice(100)];
  let turn = 0;
  const met = walk(made.cache, 16, () => {
    const gone = going[turn];
    if (gone !== undefined) made.cache.forget(gone);
    putBytes(made.cache, relnameOfNumber(1000 + turn));
    turn++;
  });
  expect(staying.filter((name) => !met.includes(name))).toEqual([]);
  expect(new Set(met).size).toBe(met.length);
});

test("a forgotten variant is not listed, and listing counts no access", () => {
  using made = makeCacheDir({ capacityBytes: 100 << 10 });
  for (const name of names.slice(0, 5)) putBytes(made.cache, name);
  made.cache.forget(names[0] ?? "");
  for (let i = 0; i < 10; i++) walk(made.cache, 64);
  expect(walk(made.cache, 64).sort()).toEqual(names.slice(1, 5).sort());
  // had the walk counted as hits, these would outlive the newcomers
  for (let n = 0; n < 40; n++) putBytes(made.cache, relnameOfNumber(500 + n));
  expect(names.slice(1, 5).filter((name) => made.cache.peek(name) !== undefined)).toEqual([]);
});
