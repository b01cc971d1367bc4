/** The trace of a request. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { formatServerTiming } from "../../../src/observe/server-timing.ts";
import { parseTraceparent, spanOf, Trace } from "../../../src/observe/trace.ts";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const clockAt = (times: number[]) => ({
  monotonicMs: () => times.shift() ?? 0,
  wallSeconds: () => 0,
});

describe("a traceparent", () => {
  test("names trace, parent and whether it is sampled", () => {
    expect(parseTraceparent(`00-${ID}-${PARENT}-01`)).toEqual({
      id: ID,
      parent: PARENT,
      sampled: true,
    });
    expect(parseTraceparent(`00-${ID}-${PARENT}-fe`)?.sampled).toBe(false);
  });

  test("of a later version may say more behind", () => {
    expect(parseTraceparent(`cc-${ID}-${PARENT}-01-what-ever`)?.id).toBe(ID);
  });

  test("that is not valid is none", () => {
    const wrong = [
      "",
      ID,
      `00-${ID}-${PARENT}`,
      `00-${ID}-${PARENT}-01-more`,
      `ff-${ID}-${PARENT}-01`,
      `00-${ID.toUpperCase()}-${PARENT}-01`,
      `00-${"0".repeat(32)}-${PARENT}-01`,
      `00-${ID}-${"0".repeat(16)}-01`,
      `00-${ID}-${PARENT}-1`,
      ` 00-${ID}-${PARENT}-01`,
    ];
    expect(wrong.filter((text) => parseTraceparent(text) !== undefined)).toEqual([]);
    expect(parseTraceparent(null)).toBeUndefined();
  });
});

describe("a trace", () => {
  test("goes on under its id, with a part of its own for those that are asked next", () => {
    const from = parseTraceparent(`00-${ID}-${PARENT}-00`);
    const trace = new Trace({ from, at: "edge-1", clock: clockAt([]), random: () => 0.5 });
    expect(trace.traceparent).toBe(`00-${ID}-8000000080000000-00`);
    expect(trace.parent).toBe(PARENT);
  });

  test("begins with an id that no other has, and is sampled where its line is written", () => {
    const make = () => new Trace({ at: "edge-1", clock: clockAt([]), picked: true });
    const [one, other] = [make().traceparent, make().traceparent];
    expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(one).not.toBe(other);
    expect(parseTraceparent(one)?.sampled).toBe(true);
  });

  test("never has an id of zeros alone, whatever chance says", () => {
    const trace = new Trace({ at: "edge-1", clock: clockAt([]), random: () => 0 });
    expect(parseTraceparent(trace.traceparent)).toBeDefined();
  });

  test("tells what took how long, here and behind, the whole first", async () => {
    const clock = clockAt([100, 110, 140, 150]);
    const trace = new Trace({ at: "edge-1", clock });
    await spanOf(trace, "peer", async () => undefined);
    trace.take([
      { name: "total", ms: 25, at: "edge-2", hop: 0 },
      { name: "origin", ms: 20.126, at: "regional-1", hop: 1 },
    ]);
    expect(formatServerTiming(trace.spans(), true)).toBe(
      'total;dur=50;desc="edge-1", peer;dur=30;desc="edge-1", 1-total;dur=25;desc="edge-2", ' +
        '2-origin;dur=20.13;desc="regional-1"',
    );
  });

  test("without names says nothing of nodes", () => {
    const spans = [{ name: "origin", ms: 1, at: "regional-1", hop: 2 }];
    expect(formatServerTiming(spans, false)).toBe("2-origin;dur=1");
  });

  test("tells what failed too", async () => {
    const trace = new Trace({ at: "edge-1", clock: clockAt([0, 1, 4, 9]) });
    const failing = spanOf(trace, "upstream", async () => {
      throw new Error("no");
    });
    expect(await failing.catch(({ message }) => message)).toBe("no");
    expect(trace.spans().map(({ name, ms }) => [name, ms])).toEqual([
      ["total", 9],
      ["upstream", 3],
    ]);
  });

  test("has a bound on its spans", () => {
    const trace = new Trace({ at: "edge-1", clock: clockAt([]) });
    for (let i = 0; i < 2 * LIMITS.traceSpansMax; i++) trace.add("peer", 1);
    expect(trace.spans().length).toBe(LIMITS.traceSpansMax);
  });
});
