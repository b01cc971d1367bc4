/** How long a thread was kept from its events. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { createLagMemory, makeLagMeter, readLags } from "../../../src/observe/lag.ts";

describe("the lag of a thread", () => {
  test("is what its tick came late by, and the longest of late", () => {
    const meter = makeLagMeter(0);
    const tick = DEADLINES.lagTickMs;
    expect(meter.tick(tick)).toBe(0);
    expect(meter.tick(2 * tick + 300)).toBe(300);
    expect(meter.tick(3 * tick + 310)).toBe(300);
    // early after late is none
    expect(meter.tick(4 * tick)).toBe(300);
  });

  test("is forgotten after a minute without one", () => {
    const meter = makeLagMeter(0);
    let now = DEADLINES.lagTickMs + 300;
    expect(meter.tick(now)).toBe(300);
    let last = 300;
    for (let i = 0; i < 60; i++) {
      now += DEADLINES.lagTickMs;
      last = meter.tick(now);
    }
    expect(last).toBe(0);
  });

  test("is kept for each thread by itself", () => {
    expect(readLags(createLagMemory(3))).toEqual([0, 0, 0]);
  });
});
