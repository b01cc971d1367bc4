/** Whom to ask, in what order: health decides among the ranks, never the other way round. */

import { describe, expect, test } from "bun:test";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { candidatesOf } from "../../../src/content/ranks.ts";
import { createHealthMemory, HealthTable, type PeerState } from "../../../src/mesh/health.ts";

const RANKS = ["a", "b", "c", "d"];

function orderOf(
  states: Readonly<Record<string, PeerState>>,
  options: { returning?: string; failed?: string[]; ranks?: string[] } = {},
): string[] {
  const { ranks = RANKS, returning, failed } = options;
  const health = new HealthTable(createHealthMemory(ranks));
  for (const [peer, state] of Object.entries(states)) health.setState(peer, state, 0);
  if (returning !== undefined) health.setShare(returning, 0);
  const candidates = candidatesOf(ranks, {
    id: "viral1",
    health,
    hedgeMs: 5000,
    failed: failed && new Set(failed),
  });
  return candidates.map(({ peer, patience }) => `${peer} ${patience.whenLate} ${patience.waitMs}`);
}

const hasty = (peer: string): string => `${peer} pass-over ${DEADLINES.suspectAnswerMs}`;
const calm = (...peers: string[]): string[] => peers.map((peer) => `${peer} hedge 5000`);

describe("of a ranking", () => {
  test("all that are up are asked in the order of their ranks", () => {
    expect(orderOf({})).toEqual(calm("a", "b", "c", "d"));
  });

  test("one that is down is never asked, one that is suspect last and for a short time", () => {
    expect(orderOf({ a: "suspect", b: "down" })).toEqual([...calm("c", "d"), hasty("a")]);
  });

  test("of several suspects the best rank is tried, and that is all when none is up", () => {
    expect(orderOf({ a: "down", b: "suspect", c: "suspect", d: "down" })).toEqual([hasty("b")]);
    expect(orderOf({ a: "down", b: "down", c: "down", d: "down" })).toEqual([]);
  });

  test("one that is coming back stands behind those that are up for ids it does not take yet", () => {
    expect(orderOf({ d: "suspect" }, { returning: "a" })).toEqual([
      ...calm("b", "c", "a"),
      hasty("d"),
    ]);
  });

  test("those that have failed this request are left out", () => {
    expect(orderOf({ c: "suspect" }, { failed: ["a", "c"] })).toEqual(calm("b", "d"));
  });

  test("no more than so many are asked", () => {
    const ranks = Array.from({ length: LIMITS.ranksAskedMax + 3 }, (_, i) => `node-${i}`);
    expect(orderOf({}, { ranks })).toHaveLength(LIMITS.ranksAskedMax);
  });
});
