/** What web ids resolve to, remembered. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { makePathCache } from "../../../src/resolve/path-cache.ts";
import type { Resolution } from "../../../src/resolve/resolver.ts";
import { watchedParts } from "../../support/watched-parts.ts";

const known = (id: string): Resolution => ({ kind: "known", id, ext: "jpg" });
const UNKNOWN: Resolution = { kind: "unknown" };

describe("the path cache", () => {
  test("has three states: known path, known not to exist, and neither", () => {
    const paths = makePathCache(watchedParts().clock);
    paths.keep("a", known("content-a"));
    paths.keep("b", UNKNOWN);
    expect(paths.look("a")).toEqual(known("content-a"));
    expect(paths.look("b")).toEqual(UNKNOWN);
    expect(paths.look("c")).toBeUndefined();
  });

  test("has a known path fresh for pathFreshMs, and stale for as long as there is room", () => {
    const { clock } = watchedParts();
    const paths = makePathCache(clock);
    paths.keep("a", known("content-a"));
    clock.advance(DEADLINES.pathFreshMs - 1);
    expect(paths.look("a")).toBeDefined();
    clock.advance(1);
    expect(paths.look("a")).toBeUndefined();
    clock.advance(1e9);
    expect(paths.lookStale("a")).toEqual(known("content-a"));
  });

  test("has what does not exist for negativeWebIdMs, and never stale: it may exist by now", () => {
    const { clock } = watchedParts();
    const paths = makePathCache(clock);
    paths.keep("a", UNKNOWN);
    clock.advance(DEADLINES.negativeWebIdMs - 1);
    expect(paths.look("a")).toEqual(UNKNOWN);
    clock.advance(1);
    expect(paths.look("a")).toBeUndefined();
    expect(paths.lookStale("a")).toBeUndefined();
  });

  test("forgets what it is told to", () => {
    const paths = makePathCache(watchedParts().clock);
    paths.keep("a", known("content-a"));
    paths.forget("a");
    expect(paths.look("a")).toBeUndefined();
    expect(paths.lookStale("a")).toBeUndefined();
  });

  test("never holds more than pathCacheMax web ids", () => {
    const paths = makePathCache(watchedParts().clock);
    let most = 0;
    for (let i = 0; i < 2.5 * LIMITS.pathCacheMax; i++) {
      paths.keep(`id-${i}`, UNKNOWN);
      most = Math.max(most, paths.size);
    }
    expect(most).toBe(LIMITS.pathCacheMax);
  });

  test("keeps what is looked at, and drops what is not, when it is full", () => {
    const paths = makePathCache(watchedParts().clock, 100);
    paths.keep("hot", known("content-hot"));
    paths.keep("cold", known("content-cold"));
    for (let i = 0; i < 1000; i++) {
      paths.keep(`id-${i}`, UNKNOWN);
      expect(paths.look("hot")).toBeDefined();
    }
    expect(paths.look("cold")).toBeUndefined();
  });

  test("answers as a plain map would for the last half of what it may hold", () => {
    const ids = fc.constantFrom(..."abcdefghijkl");
    const steps = fc.array(fc.tuple(fc.constantFrom("keep", "look", "forget"), ids), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (run) => {
        const paths = makePathCache(watchedParts().clock, 8);
        const model = new Map<string, Resolution>();
        for (const [i, [step, id]] of run.entries()) {
          const held = model.get(id);
          model.delete(id);
          if (step === "keep") model.set(id, known(`content-${i}`));
          if (step === "look" && held !== undefined) model.set(id, held);
          if (step === "keep") paths.keep(id, known(`content-${i}`));
          if (step === "forget") paths.forget(id);
          // the model's last 4 keys are the 4 most lately used
          const recent = [...model].slice(-4).some(([key]) => key === id);
          const found = step === "look" ? paths.look(id) : undefined;
          if (step === "look" && recent && held !== undefined) expect(found).toEqual(held);
          if (found !== undefined && held !== undefined) expect(found).toEqual(held);
          expect(paths.size).toBeLessThanOrEqual(Math.min(8, model.size));
        }
      }),
    );
  });
});
