/** The copies a node keeps for owners. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import { Replicas } from "../../../../src/content/hot/replicas.ts";

const KiB = 1024;
const IDLE_MS = 60_000;

function make(roomBytes: number) {
  const gone: string[] = [];
  const dropped: string[] = [];
  const owned: string[] = [];
  const replicas = new Replicas({
    roomBytes: () => roomBytes,
    idleMs: () => IDLE_MS,
    has: (relname) => !gone.includes(relname),
    owns: (relname) => owned.includes(relname),
    drop: (relname) => dropped.push(relname),
  });
  return { replicas, gone, dropped, owned };
}

describe("copies for others", () => {
  test("take no more than their share, counted as the cache counts", () => {
    const { replicas } = make(8 * KiB);
    expect(replicas.admit("a", 1, 0)).toBe(true);
    expect(replicas.admit("b", 4096, 0)).toBe(true);
    expect(replicas.admit("c", 1, 0)).toBe(false);
    expect([replicas.count, replicas.bytes]).toEqual([2, 8 * KiB]);
    expect(make(8 * KiB).replicas.admit("large", 8 * KiB + 1, 0)).toBe(false);
    expect(make(0).replicas.admit("a", 1, 0)).toBe(false);
  });

  test("make way for others of them once nobody asks for them, the longest unused first", () => {
    const { replicas, dropped } = make(8 * KiB);
    replicas.admit("a", 1, 0);
    replicas.admit("b", 1, 0);
    replicas.use("a", 1000);
    expect(replicas.admit("c", 1, IDLE_MS - 1)).toBe(false);
    expect(replicas.admit("c", 1, IDLE_MS)).toBe(true);
    expect(dropped).toEqual(["b"]);
    expect(["a", "b", "c"].map((one) => replicas.has(one))).toEqual([true, false, true]);
  });

  test("go when nobody has asked for them for a while", () => {
    const { replicas, dropped } = make(64 * KiB);
    replicas.admit("a", 1, 0);
    replicas.admit("b", 1, 0);
    replicas.admit("a", 1, 1000);
    expect(replicas.sweep(IDLE_MS)).toBe(1);
    expect(dropped).toEqual(["b"]);
    expect(replicas.bytes).toBe(4 * KiB);
  });

  test("that this node owns by now stay, and what was evicted is only forgotten", () => {
    const { replicas, dropped, gone, owned } = make(64 * KiB);
    replicas.admit("a", 1, 0);
    replicas.admit("b", 1, 0);
    owned.push("a");
    gone.push("b");
    expect(replicas.sweep(IDLE_MS)).toBe(0);
    expect([dropped, replicas.count, replicas.bytes]).toEqual([[], 0, 0]);
  });

  test("are so many at most", () => {
    const { replicas } = make(Number.POSITIVE_INFINITY);
    for (let n = 0; n < LIMITS.replicasMax; n++) replicas.admit(`${n}`, 1, 0);
    expect(replicas.admit("late", 1, 0)).toBe(false);
    expect(replicas.count).toBe(LIMITS.replicasMax);
  });
});
