/** How often something was asked for lately, so that the RAM tier takes in what is asked for again. */

import { hash32 } from "../wire/xxhash.ts";

export interface RamAsked {
  /** Counts one more; true at the 2nd, 4th, 8th … time, so that what was turned away is not tried each time. */
  isWorth(key: string): boolean;
  /** What it takes itself. */
  readonly bytes: number;
}

/** Places, a power of two: one for each key lately asked for; of two in one place the later stays. */
const PLACES = 2 ** 14;
/** Of each place: 24 bits of the key's hash, 8 bits of its count. */
const COUNT_MAX = 255;
/** After so many countings all counts are halved: a window, that needs no clock. */
const WINDOW = PLACES * 8;

export function makeRamAsked(
  seed: number = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
): RamAsked {
  const places = new Uint32Array(PLACES);
  let countings = 0;

  const halve = (): void => {
    countings = 0;
    for (let i = 0; i < PLACES; i++) {
      const place = places[i] ?? 0;
      places[i] = (place & ~COUNT_MAX) | ((place & COUNT_MAX) >>> 1);
    }
  };

  return {
    bytes: places.byteLength,
    isWorth(key) {
      if (++countings > WINDOW) halve();
      const hash = hash32(key, seed);
      const at = hash & (PLACES - 1);
      const place = places[at] ?? 0;
      // the low bits are told by the place
      const mark = (hash & ~COUNT_MAX) >>> 0;
      const before = (place & ~COUNT_MAX) >>> 0 === mark ? place & COUNT_MAX : 0;
      const count = Math.min(COUNT_MAX, before + 1);
      places[at] = mark | count;
      return count >= 2 && count !== before && (count & (count - 1)) === 0;
    },
  };
}
