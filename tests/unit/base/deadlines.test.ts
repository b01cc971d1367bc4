/** The waits of mir contain one another: client over edge over regional over origin. */

import { describe, expect, test } from "bun:test";
import { CONTAINED, DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { budgetBelowMs, startContext } from "../../../src/content/context.ts";

const { requestMs, hopMarginMs, clientIdleMs, clientStallMs, bodyStallMs } = DEADLINES;

/** Time a node has for its answer after so many hops, when each hop passes its ask on at once. */
function budgetAt(hops: number): number {
  const clock = { monotonicMs: () => 0, wallSeconds: () => 0 };
  let budgetMs: number = requestMs;
  for (let hop = 0; hop < hops; hop++) {
    budgetMs = budgetBelowMs(startContext(clock, { budgetMs, hops: hop }), clock);
  }
  return budgetMs;
}

test("every wait is a finite time above zero", () => {
  for (const [name, ms] of Object.entries(DEADLINES)) {
    expect(`${name} ${Number.isSafeInteger(ms) && ms > 0}`).toBe(`${name} true`);
  }
});

test.each(CONTAINED.map(({ inner, outer }) => [inner, outer] as const))(
  "%s lies within %s",
  (inner, outer) => {
    expect(DEADLINES[inner]).toBeLessThan(DEADLINES[outer]);
  },
);

describe("the way of a request", () => {
  test("each level gives up a margin before the one that asked it, down to the origin", () => {
    const [client, edge, regional, bulk] = [clientIdleMs, budgetAt(0), budgetAt(1), budgetAt(2)];
    expect(edge).toBeLessThan(client);
    expect(regional).toBe(edge - hopMarginMs);
    expect(bulk).toBe(regional - hopMarginMs);
    expect(DEADLINES.originHeadMs).toBeLessThan(bulk);
  });

  test("after the most hops there may be the origin still has its whole time", () => {
    expect(DEADLINES.originHeadMs).toBeLessThan(budgetAt(LIMITS.hopsMax));
  });

  test("a body that stalls is cut by the node next to the trouble, not by the client's end", () => {
    expect(bodyStallMs).toBeLessThan(clientStallMs);
    expect(clientStallMs).toBeLessThan(clientIdleMs);
  });
});

describe("the end of a node", () => {
  test("whatever was asked before it stopped accepting is answered or refused in its time", () => {
    expect(DEADLINES.drainFinishMs).toBeGreaterThan(requestMs);
  });
});
