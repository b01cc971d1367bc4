/** Waits on shared timers. */

import { describe, expect, test } from "bun:test";
import { waitAbout } from "../../../src/base/wait-about.ts";
import { until } from "../../support/until.ts";

describe("a wait", () => {
  test("is due once, and not before its time", async () => {
    const begun = performance.now();
    const dueAfterMs: number[] = [];
    waitAbout(25, () => dueAfterMs.push(performance.now() - begun));
    await until(() => dueAfterMs.length > 0);
    const last = Promise.withResolvers<void>();
    waitAbout(30, last.resolve);
    await last.promise;
    expect(dueAfterMs).toHaveLength(1);
    expect(dueAfterMs[0]).toBeGreaterThanOrEqual(25);
  });

  test("that has been ended is never due, whichever of its row it is", async () => {
    const due: number[] = [];
    const waits = [0, 1, 2, 3, 4, 5].map((i) => waitAbout(20, () => due.push(i)));
    for (const i of [0, 2, 5]) waits[i]?.end();
    waits[2]?.end();
    await until(() => due.length === 3);
    const last = Promise.withResolvers<void>();
    waitAbout(40, last.resolve);
    await last.promise;
    expect(due).toEqual([1, 3, 4]);
  });

  test("of another length does not hold it up", async () => {
    const due: string[] = [];
    const long = waitAbout(60_000, () => due.push("long"));
    waitAbout(30, () => due.push("middle"));
    waitAbout(10, () => due.push("short"));
    await until(() => due.length === 2);
    expect(due).toEqual(["short", "middle"]);
    long.end();
  });

  test("may make and end others when it is due", async () => {
    const due: string[] = [];
    const later = waitAbout(20, () => due.push("later"));
    const first = waitAbout(10, () => {
      later.end();
      waitAbout(10, () => due.push("made"));
    });
    await until(() => due.length > 0);
    expect(due).toEqual(["made"]);
    first.end();
  });

  test("out of many that have ended is still due", async () => {
    let due = 0;
    for (let i = 0; i < 10_000; i++) waitAbout(10, () => due++).end();
    waitAbout(10, () => due++);
    await until(() => due > 0);
    expect(due).toBe(1);
  });
});
