/** On which disk of a node a content id lies: weighted rendezvous over its directories (spec §9). */

import { type Lanes, rendezvousScore } from "../base/rendezvous.ts";
import { hash32 } from "./hash.ts";

/** Any constants do, but changing one moves all content. */
const LANE_A = 0x51ed_270b;
const LANE_B = 0x2545_f491;

export interface Places {
  /** The best among those that will do, by position; -1 when none does. */
  first(id: string, willDo: (at: number) => boolean): number;
  /** All positions, the best first. */
  order(id: string): readonly number[];
}

/** By the names and weights of the directories alone: when one fails, each id of its share goes to its own next best. */
export function makePlaces(
  dirs: readonly { readonly dir: string; readonly weight: number }[],
): Places {
  const named = dirs.map(({ dir, weight }) => ({ ...lanesOf(dir), weight }));
  const scores = (id: string): number[] => {
    const lanes = lanesOf(id);
    return named.map((one) => rendezvousScore(one, lanes, one.weight));
  };
  return {
    first(id, willDo) {
      const lanes = lanesOf(id);
      let best = -1;
      let most = -1;
      for (const [at, one] of named.entries()) {
        if (!willDo(at)) continue;
        const score = rendezvousScore(one, lanes, one.weight);
        if (score <= most) continue;
        best = at;
        most = score;
      }
      return best;
    },
    order(id) {
      const all = scores(id);
      return [...all.keys()].sort((x, y) => (all[y] ?? 0) - (all[x] ?? 0));
    },
  };
}

function lanesOf(name: string): Lanes {
  return { a: hash32(name, LANE_A), b: hash32(name, LANE_B) };
}
