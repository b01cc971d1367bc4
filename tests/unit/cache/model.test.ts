/** Random operations on the cache against a Map, and the directory as the second witness. */

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { parseRelname, relnameOf, type VariantMeta } from "../../../src/base/variant.ts";
import type { Cache } from "../../../src/cache/cache.ts";
import { checkIndex } from "../../../src/cache/check.ts";
import { POLICIES } from "../../../src/cache/layout.ts";
import {
  type CacheDir,
  makeCacheDir,
  metaOf,
  put,
  variantsBelow,
  walkBytes,
} from "../../support/cache-dir.ts";

const NAMES_MAX = 40;

/** Names with ids of 6 to 96 characters, some of one id. */
function nameOfNumber(n: number): string {
  const id = "abc-_9XYZ".repeat(11).slice(0, 6 + ((n * 7) % 90)) + String(n % 10);
  const size = n % 3 === 0 ? "orig" : "md";
  return `${id.slice(0, 2)}/${id.slice(2, 4)}/${id.slice(4, 6)}/${size}/${id}.jpg`;
}

type Step =
  | { readonly kind: "put"; readonly n: number; readonly bytes: number }
  | { readonly kind: "forget" | "look" | "learn"; readonly n: number }
  | { readonly kind: "hold"; readonly bytes: number }
  | { readonly kind: "drop" };

const number = fc.nat({ max: NAMES_MAX - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("put"), n: number, bytes: fc.nat({ max: 30_000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("look"), n: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget"), n: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("learn"), n: number }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("hold"), bytes: fc.nat({ max: 100_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop") }) },
);

const policy = fc.constantFrom(...POLICIES);

/** Where the cache may forget, the model follows; it may never invent or change anything. */
function run(made: CacheDir, steps: readonly Step[]): Map<string, VariantMeta> {
  const model = new Map<string, VariantMeta>();
  const caches: readonly Cache[] = [made.cache, made.open(1)];
  const held: Disposable[] = [];
  for (const [i, one] of steps.entries()) {
    const cache = caches[i % 2] ?? made.cache;
    if (one.kind === "hold") {
      const room = cache.reserve(one.bytes);
      if (room !== undefined) held.push(room);
    } else if (one.kind === "drop") held.shift()?.[Symbol.dispose]();
    else perform(cache, model, one);
    const { bytes, reservedBytes, capacityBytes } = cache.usage();
    expect(bytes + reservedBytes).toBeLessThanOrEqual(capacityBytes);
    expect(bytes).toBe(walkBytes(made.dir));
  }
  for (const room of held) room[Symbol.dispose]();
  return model;
}

function perform(
  cache: Cache,
  model: Map<string, VariantMeta>,
  one: Exclude<Step, { kind: "hold" | "drop" }>,
): void {
  const relname = nameOfNumber(one.n);
  const before = cache.peek(relname);
  if (before !== undefined)
    expect(before).toEqual(model.get(relname) ?? metaOf("never published", 0));
  if (one.kind === "look") expect(cache.look(relname)).toEqual(before);
  else if (one.kind === "forget") {
    expect(cache.forget(relname)).toBe(before !== undefined);
    model.delete(relname);
  } else if (one.kind === "learn") {
    const facts = { width: one.n + 1, height: 2, alpha: true, animated: false };
    cache.learn(relname, facts);
    if (before !== undefined) model.set(relname, { ...before, facts });
  } else {
    const meta = metaOf(relname, "bytes" in one ? one.bytes : 0);
    const answer = put(cache, meta);
    // making room may have evicted the one that was there
    if (answer === "published") model.set(relname, meta);
    else expect(answer).toBe(before === undefined ? "no room" : answer);
  }
}

test("whatever is done, the cache answers what was published or nothing, and its books match the disk", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), policy, (steps, eviction) => {
      // four regions of slots, and of what belongs to them
      using made = makeCacheDir({ capacityBytes: 256 << 10, slots: 64, regionBits: 4, eviction });
      const model = run(made, steps);
      expect(checkIndex(made.memory)).toEqual([]);
      const live = [...model.keys()]
        .filter((relname) => made.cache.peek(relname) !== undefined)
        .sort();
      expect(variantsBelow(made.dir)).toEqual(live);
      for (let n = 0; n < NAMES_MAX; n++) {
        const id = parseRelname(nameOfNumber(n))?.id ?? "";
        const here = made.cache.namesHere(id).map((name) => relnameOf({ id, ...name }));
        expect(here.sort()).toEqual(live.filter((relname) => parseRelname(relname)?.id === id));
      }
      expect(made.cache.usage()).toMatchObject({ variants: live.length, reservedBytes: 0 });

      const again = made.restart();
      expect(checkIndex(again.memory)).toEqual([]);
      expect(again.restored).toMatchObject({
        variants: live.length,
        dropped: 0,
        unlinked: 0,
        garbage: 0,
      });
      for (const relname of live)
        expect(again.cache.peek(relname)).toEqual(model.get(relname) ?? metaOf("", 0));
      expect(again.cache.usage().bytes).toBe(walkBytes(made.dir));
      again[Symbol.dispose]();
    }),
    { numRuns: 20 },
  );
}, 30_000);

test("many turnovers of the table leave no trace in it", () => {
  using made = makeCacheDir({ capacityBytes: 8 << 20, slots: 64 });
  for (let n = 0; n < 1200; n++) put(made.cache, metaOf(`aa/bb/cc/md/aabbcc${n}.jpg`, 1));
  expect(made.cache.usage().variants).toBe(39);
  expect(checkIndex(made.memory)).toEqual([]);
  expect(existsSync(made.cache.pathOf("aa/bb/cc/md/aabbcc0.jpg"))).toBe(false);
});
