/** Time and hops a request may still spend. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import type { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  budgetBelowMs,
  failoverContext,
  refuseLoop,
  remainingMs,
  startContext,
  traceWith,
  withinDeadline,
} from "../../../src/content/context.ts";

function fixture(now = 1000) {
  const time = { now };
  return { time, clock: { monotonicMs: () => time.now, wallSeconds: () => 0 } };
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "none";
  } catch (error) {
    return (error as Fault).code;
  }
}

describe("context", () => {
  test("a node below gets less time than is left here", () => {
    const { time, clock } = fixture();
    const context = startContext(clock);
    expect(budgetBelowMs(context, clock)).toBe(DEADLINES.requestMs - DEADLINES.hopMarginMs);
    time.now += 10_000;
    expect(budgetBelowMs(context, clock)).toBe(
      DEADLINES.requestMs - DEADLINES.hopMarginMs - 10_000,
    );
  });

  test("with too little time left nobody is asked any more", () => {
    const { time, clock } = fixture();
    const context = startContext(clock, { budgetMs: DEADLINES.hopMarginMs + DEADLINES.hopLeastMs });
    expect(codeOf(() => budgetBelowMs(context, clock))).toBe("none");
    time.now += 1;
    expect(codeOf(() => budgetBelowMs(context, clock))).toBe("too_slow");
    expect(codeOf(() => remainingMs(context, clock))).toBe("none");
    time.now += 60_000;
    expect(codeOf(() => remainingMs(context, clock))).toBe("too_slow");
  });

  test("a request that has passed too many nodes is refused, not sent round again", () => {
    const { clock } = fixture();
    expect(
      codeOf(() => budgetBelowMs(startContext(clock, { hops: LIMITS.hopsMax - 1 }), clock)),
    ).toBe("none");
    expect(codeOf(() => budgetBelowMs(startContext(clock, { hops: LIMITS.hopsMax }), clock))).toBe(
      "no_origin",
    );
  });

  test("work that does not end is given up at the deadline", async () => {
    const { clock } = fixture();
    const context = startContext(clock, { budgetMs: 5 });
    const never = new Promise<never>(() => {});
    expect(withinDeadline(context, clock, never)).rejects.toMatchObject({ code: "too_slow" });
    expect(await withinDeadline(context, clock, Promise.resolve("in time"))).toBe("in time");
  });
});

describe("the trace of a request", () => {
  test("names the nodes passed, and a node that finds itself in it refuses", () => {
    const { clock } = fixture();
    const atEdge = startContext(clock);
    const atRegional = startContext(clock, { trace: traceWith(atEdge, "edge-1") });
    const atBulk = startContext(clock, { trace: traceWith(atRegional, "regional-1") });
    expect(atBulk.trace).toMatch(/^[0-9a-f]{8}\.[0-9a-f]{8}$/);
    for (const name of ["edge-1", "regional-1"]) {
      expect(codeOf(() => refuseLoop(atBulk, name))).toBe("peer_failed");
    }
    for (const context of [atEdge, atRegional, atBulk]) {
      expect(codeOf(() => refuseLoop(context, "bulk-1"))).toBe("none");
    }
  });

  test("fits on the wire with as many nodes as a request may pass", () => {
    const { clock } = fixture();
    let trace = "";
    for (let hop = 0; hop <= LIMITS.hopsMax; hop++) {
      trace = traceWith(startContext(clock, { trace }), `a-rather-long-name-of-a-node-${hop}`);
    }
    expect(trace.length).toBeLessThanOrEqual(LIMITS.wireNameCharsMax);
  });
});

test("a body that broke off gets time of its own, and keeps hops and trace", () => {
  const { clock, time } = fixture();
  const context = startContext(clock, { hops: 2, trace: "0123abcd", originalExt: "png" });
  time.now += DEADLINES.requestMs + 1;
  expect(failoverContext(clock, context)).toEqual({
    ...context,
    deadlineAt: time.now + DEADLINES.bodyFailoverMs,
  });
});
