/** Room in a bounded store of things that are asked for: second chance, in the order of admission. */

import type { TurnoverMap } from "./turnover-map.ts";

/** Places a newcomer may look at for one that was not used; when all were, it stays outside. */
const SWEEP_MAX = 8;

/**
 * Whether a newcomer fits, after those that nobody has asked for since the last sweep came by have gone. What is in use is
 * spared once: it loses its mark and goes to the end. What is asked for sets its mark and moves nothing.
 */
export function makeRoom<P extends { used: boolean }>(
  places: TurnoverMap<string, P>,
  how: {
    readonly fits: () => boolean;
    /** Of one that was used. */
    readonly stands: (place: P) => boolean;
    readonly drop: (key: string, place: P) => void;
  },
): boolean {
  const { fits, stands, drop } = how;
  let looked = 0;
  for (const [key, place] of places) {
    if (fits()) return true;
    if (place.used && stands(place)) {
      if (++looked > SWEEP_MAX) return false;
      place.used = false;
      places.delete(key);
      places.set(key, place);
    } else drop(key, place);
  }
  return fits();
}
