/** The circuit breaker. */

import { beforeEach, describe, expect, test } from "bun:test";
import {
  BREAKER,
  type Breaker,
  createBreakerMemory,
  makeBreaker,
} from "../../../src/base/breaker.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

let clock: WatchedParts["clock"];
let states: string[];
let breaker: Breaker;

beforeEach(() => {
  ({ clock } = watchedParts());
  states = [];
  breaker = makeBreaker({
    clock,
    changed: ({ refusing, forMs }) => states.push(refusing ? `refuse ${forMs}` : "let in"),
  });
});

function failTimes(times: number): void {
  for (let i = 0; i < times; i++) {
    expect(breaker.enter()).toBe(true);
    breaker.failed();
  }
}

describe("a breaker", () => {
  test("lets calls in while fewer than errorsMax in a row fail", () => {
    failTimes(BREAKER.errorsMax - 1);
    breaker.succeeded();
    failTimes(BREAKER.errorsMax - 1);
    expect(breaker.enter()).toBe(true);
    expect([breaker.waitMs(), states]).toEqual([0, []]);
  });

  test("refuses all of them after errorsMax, and says for how long", () => {
    failTimes(BREAKER.errorsMax);
    expect(breaker.enter()).toBe(false);
    expect(breaker.waitMs()).toBe(BREAKER.firstMs);
    expect(states).toEqual([`refuse ${BREAKER.firstMs}`]);
  });

  test("then lets one call in as a trial, and no other until it reports", () => {
    failTimes(BREAKER.errorsMax);
    clock.advance(BREAKER.firstMs);
    expect([breaker.enter(), breaker.enter(), breaker.enter()]).toEqual([true, false, false]);
    breaker.succeeded();
    expect([breaker.enter(), breaker.enter()]).toEqual([true, true]);
    expect(states.at(-1)).toBe("let in");
  });

  test("doubles the time with each trial that fails, up to longestMs", () => {
    failTimes(BREAKER.errorsMax);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      waits.push(breaker.waitMs());
      clock.advance(breaker.waitMs());
      expect(breaker.enter()).toBe(true);
      breaker.failed();
    }
    expect(waits.slice(0, 3)).toEqual([BREAKER.firstMs, 2 * BREAKER.firstMs, 4 * BREAKER.firstMs]);
    expect(breaker.waitMs()).toBe(BREAKER.longestMs);
  });

  test("begins again with the first time after it has let calls in", () => {
    failTimes(BREAKER.errorsMax);
    clock.advance(BREAKER.firstMs);
    failTimes(1);
    clock.advance(2 * BREAKER.firstMs);
    expect(breaker.enter()).toBe(true);
    breaker.succeeded();
    failTimes(BREAKER.errorsMax);
    expect(breaker.waitMs()).toBe(BREAKER.firstMs);
  });

  test("is not prolonged by failures of calls that began before it refused", () => {
    for (let i = 0; i < 20; i++) expect(breaker.enter()).toBe(true);
    for (let i = 0; i < 20; i++) breaker.failed();
    expect(states).toEqual([`refuse ${BREAKER.firstMs}`]);
  });

  test("takes the next call for its trial when one was released, or never reported", () => {
    failTimes(BREAKER.errorsMax);
    clock.advance(BREAKER.firstMs);
    expect(breaker.enter()).toBe(true);
    breaker.released();
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
    clock.advance(BREAKER.trialMs);
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
  });
});

describe("a breaker of many threads", () => {
  function threads() {
    const memory = createBreakerMemory(2);
    const told: boolean[] = [];
    const open = (at: number): Breaker =>
      makeBreaker({ clock, place: { memory, at }, changed: (s) => told.push(s.refusing) });
    return { one: open(0), other: open(0), beside: open(1), told };
  }

  test("counts the failures of all, and one of them tells that calls are refused", () => {
    const { one, other, beside, told } = threads();
    for (let i = 0; i < BREAKER.errorsMax; i++) (i % 2 === 0 ? one : other).failed();
    expect([one.enter(), other.enter(), beside.enter()]).toEqual([false, false, true]);
    expect([one.refusing, other.refusing, beside.refusing, ...told]).toEqual([
      ...[true, true, false],
      true,
    ]);
  });

  test("gives one of them the trial, whose end all hear", () => {
    const { one, other } = threads();
    for (let i = 0; i < BREAKER.errorsMax; i++) one.failed();
    clock.advance(BREAKER.firstMs);
    expect([other.enter(), one.enter(), other.enter()]).toEqual([true, false, false]);
    other.failed();
    expect(one.waitMs()).toBe(2 * BREAKER.firstMs);
    clock.advance(one.waitMs());
    expect([one.enter(), other.enter()]).toEqual([true, false]);
    one.succeeded();
    expect([one.enter(), other.enter(), other.refusing]).toEqual([true, true, false]);
  });

  test("is not held for ever by a wait from before its clock wrapped", () => {
    const { one, other } = threads();
    for (let i = 0; i < BREAKER.errorsMax; i++) one.failed();
    clock.advance(2 ** 31 + 10_000);
    expect(other.enter()).toBe(true);
  });
});
