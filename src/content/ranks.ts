/** Whom of a ranking to ask for an id, and in what order (spec §4). */

import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import type { PeerHealth } from "../mesh/health.ts";
import type { Patience } from "./first-of.ts";

export interface Candidate {
  readonly peer: string;
  readonly patience: Patience;
}

/**
 * First those that are up, in the order of their ranks; one that has just come back stands behind the others for
 * the ids it does not take yet. Then the best one that is suspect, which has little time. Never one that is down.
 */
export function candidatesOf(
  ranks: readonly string[],
  options: {
    readonly id: string;
    readonly health: PeerHealth;
    /** Milliseconds until the next one is asked as well. */
    readonly hedgeMs: number;
    /** Peers that have failed this very request. */
    readonly failed?: ReadonlySet<string> | undefined;
  },
): readonly Candidate[] {
  const { id, health, hedgeMs, failed } = options;
  const left = failed === undefined ? ranks : ranks.filter((peer) => !failed.has(peer));
  const up = left.filter((peer) => health.state(peer) === "up");
  const taking = up.filter((peer) => health.takes(peer, id));
  const returning = up.filter((peer) => !taking.includes(peer));
  const suspect = left.find((peer) => health.state(peer) === "suspect");
  const patience = { waitMs: hedgeMs, whenLate: "hedge" } as const;
  const asked = [...taking, ...returning]
    .slice(0, LIMITS.ranksAskedMax)
    .map((peer) => ({ peer, patience }));
  if (suspect === undefined) return asked;
  const hasty = { waitMs: DEADLINES.suspectAnswerMs, whenLate: "pass-over" } as const;
  return [...asked, { peer: suspect, patience: hasty }];
}
