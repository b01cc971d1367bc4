/** The throttle: bytes spread over time by a clock the test winds. */

import { describe, expect, test } from "bun:test";
import { makeThrottle } from "../../../src/content/throttle.ts";
import { watchedParts } from "../../support/watched-parts.ts";

function wound(bytesPerSecond: () => number) {
  const { clock } = watchedParts();
  const waits: { run: () => void; atMs: number }[] = [];
  const throttle = makeThrottle({
    bytesPerSecond,
    clock,
    later(run, waitMs) {
      const wait = { run, atMs: clock.monotonicMs() + waitMs };
      waits.push(wait);
      return () => void waits.splice(waits.indexOf(wait), 1);
    },
  });
  /** Winds the clock on and lets those go whose time has come. */
  const wind = async (ms: number): Promise<void> => {
    clock.advance(ms);
    for (const wait of waits.filter(({ atMs }) => atMs <= clock.monotonicMs())) wait.run();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { throttle, wind, waits };
}

/** Whether a promise has resolved by now, and to what. */
function watch<T>(promise: Promise<T>): { value: T | undefined } {
  const seen: { value: T | undefined } = { value: undefined };
  void promise.then((value) => {
    seen.value = value;
  });
  return seen;
}

describe("a throttle of 1000 bytes a second", () => {
  test("lets the first bytes go at once, however many, and those behind them when their time has come", async () => {
    const { throttle, wind } = wound(() => 1000);
    expect(await throttle.take(3000)).toBe(true);
    const second = watch(throttle.take(500));
    const third = watch(throttle.take(500));
    await wind(2999);
    expect(second.value).toBeUndefined();
    await wind(1);
    expect(second.value).toBe(true);
    expect(third.value).toBeUndefined();
    await wind(500);
    expect(third.value).toBe(true);
  });

  test("saves nothing up in a pause", async () => {
    const { throttle, wind } = wound(() => 1000);
    await throttle.take(1000);
    await wind(60_000);
    expect(await throttle.take(1000)).toBe(true);
    const next = watch(throttle.take(1));
    await wind(999);
    expect(next.value).toBeUndefined();
    await wind(1);
    expect(next.value).toBe(true);
  });

  test("follows a rate that changes", async () => {
    let rate = 1000;
    const { throttle, wind } = wound(() => rate);
    rate = 10_000;
    await throttle.take(1000);
    const next = watch(throttle.take(1));
    await wind(100);
    expect(next.value).toBe(true);
  });

  test("once opened lets everybody go with false, and leaves no timer", async () => {
    const { throttle, waits } = wound(() => 1000);
    await throttle.take(1000);
    const waiting = throttle.take(1);
    expect(waits.length).toBe(1);
    throttle.open();
    expect(await waiting).toBe(false);
    expect(await throttle.take(1)).toBe(false);
    expect(waits.length).toBe(0);
  });
});
