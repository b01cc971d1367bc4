/** The hot-item tracker. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../../src/base/limits.ts";
import { HotTracker, itemRate } from "../../../../src/content/hot/tracker.ts";

const HALF_LIFE_MS = 300_000;
const at = (nowMs: number) => ({ nowMs, halfLifeMs: HALF_LIFE_MS });
const hit = (id: string, count = 1, size = "sm") => ({ id, relname: `${id}/${size}`, count });

describe("the hot-item tracker", () => {
  test("adds what comes and lets decay what was there", () => {
    const tracker = new HotTracker();
    tracker.add(hit("a", 3), at(0));
    tracker.prune(at(40_000));
    expect(tracker.get("a")?.score.toFixed(1)).toBe("2.7");
    tracker.add(hit("a", 1), at(40_000));
    expect(tracker.get("a")?.score.toFixed(1)).toBe("3.7");
  });

  test("knows which variants of an id are asked for, the most asked of them", () => {
    const tracker = new HotTracker();
    for (let n = 0; n < LIMITS.hotVariantsMax; n++) tracker.add(hit("a", n + 2, `${n}`), at(0));
    tracker.add(hit("a", 1, "late"), at(0));
    const { variants } = tracker.get("a") ?? { variants: new Map() };
    expect(variants.size).toBe(LIMITS.hotVariantsMax);
    expect([variants.has("a/0"), variants.has("a/1"), variants.has("a/late")]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("sees a crowd that comes suddenly within seconds, and forgets nothing over a pause", () => {
    const tracker = new HotTracker();
    tracker.add(hit("a"), at(0));
    for (let s = 600; s < 603; s++) tracker.add(hit("a", 300), at(s * 1000));
    const item = tracker.get("a");
    expect(item && itemRate(item, HALF_LIFE_MS)).toBeGreaterThan(50);
    tracker.prune(at(663_000));
    expect(item && itemRate(item, HALF_LIFE_MS)).toBeGreaterThan(1);
  });

  test("forgets what has cooled", () => {
    const tracker = new HotTracker();
    tracker.add(hit("a"), at(0));
    tracker.add(hit("b", 100), at(0));
    tracker.prune(at(2 * HALF_LIFE_MS));
    expect([...tracker.items()].map(({ id }) => id)).toEqual(["b"]);
    tracker.forget("b");
    expect(tracker.size).toBe(0);
  });

  test("takes no newcomer when it is full, until the colder half has gone", () => {
    const tracker = new HotTracker(4);
    for (const [i, id] of ["a", "b", "c", "d", "e"].entries()) tracker.add(hit(id, i + 1), at(0));
    expect(tracker.get("e")).toBeUndefined();
    tracker.prune(at(0));
    expect([...tracker.items()].map(({ id }) => id)).toEqual(["c", "d"]);
    tracker.add(hit("e"), at(0));
    expect(tracker.get("e")).toBeDefined();
  });

  test("tracks as many ids as it is meant to", () => {
    const tracker = new HotTracker();
    for (let n = 0; n <= LIMITS.hotItemsMax; n++) tracker.add(hit(`id-${n}`), at(0));
    expect(tracker.size).toBe(LIMITS.hotItemsMax);
  });
});
