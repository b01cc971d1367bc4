/** A map that moves: it is a Map to whoever uses it, and what has left it can be collected. */

import { describe, expect, test } from "bun:test";
import { TurnoverMap } from "../../../src/base/turnover-map.ts";

describe("a turnover map", () => {
  test("holds what a Map holds, in its order, after any operations", () => {
    const model = new Map<string, number>();
    const map = new TurnoverMap<string, number>();
    // a linear congruential generator: the same operations each time
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let step = 0; step < 20_000; step++) {
      const key = `k${random(600)}`;
      const what = random(1000);
      if (what === 0) {
        model.clear();
        map.clear();
      } else if (what < 500) {
        model.set(key, step);
        map.set(key, step);
      } else if (what < 900) expect(map.delete(key)).toBe(model.delete(key));
      else expect([map.get(key), map.has(key)]).toEqual([model.get(key), model.has(key)]);
      expect([map.size, map.firstKey()]).toEqual([model.size, model.keys().next().value]);
    }
    expect([...map]).toEqual([...model]);
  });

  test("can be walked through while entries go and come, however many", () => {
    const map = new TurnoverMap<number, string>();
    for (let n = 0; n < 10; n++) map.set(n, "first");
    let seen = 0;
    for (const [key] of map) {
      seen++;
      map.delete(key);
      if (seen < 2000) map.set(key + 10, "again");
      if (seen === 2005) break;
    }
    expect(map.size).toBe(4);
    // after the walk, it moves as ever
    map.set(-1, "last");
    expect([...map].at(-1)).toEqual([-1, "last"]);
  });

  test("lets go of what has left it, though somebody points at what it was", async () => {
    using iterators = pinFirstIterator();
    const map = new TurnoverMap<string, object>();
    const left: WeakRef<object>[] = [];
    const pass = (n: number): void => {
      const oldest = map.size >= 300 ? map.firstKey() : undefined;
      const gone = oldest === undefined ? undefined : map.get(oldest);
      if (gone !== undefined && oldest !== undefined) {
        left.push(new WeakRef(gone));
        map.delete(oldest);
      }
      map.set(`name ${n}`, { bytes: new Uint8Array(1000) });
    };
    for (let n = 0; n < 10_000; n++) pass(n);
    // those that a WeakRef was made for live to the end of the turn
    await new Promise((resolve) => setImmediate(resolve));
    Bun.gc(true);
    const held = left.filter((one) => one.deref() !== undefined).length;
    expect(left.length).toBe(9700);
    expect(held).toBeLessThan(1000);
    // looked at last, so that the first one is there until then
    expect(iterators.made).toBeGreaterThan(9000);
  });
});

/** As a stale word on the stack does, by chance: what the first iterator of a Map's keys points at is not collected. */
function pinFirstIterator(): Disposable & { readonly made: number } {
  const plain = Map.prototype.keys;
  let made = 0;
  let first: unknown;
  Map.prototype.keys = function keys<K>(this: Map<K, unknown>) {
    const iterator = plain.call(this) as ReturnType<Map<K, unknown>["keys"]>;
    first ??= iterator;
    made++;
    return iterator;
  };
  return {
    get made() {
      return first === undefined ? 0 : made;
    },
    [Symbol.dispose]() {
      Map.prototype.keys = plain;
    },
  };
}
