/** The draw of rendezvous hashing: two names, each hashed in two lanes, give one number that no other pair shares. */

/** Two independent hashes of 32 bits. */
export interface Lanes {
  readonly a: number;
  readonly b: number;
}

const BITS_52 = 2 ** 52;

/**
 * How much a pair is worth, > 0: the candidate with the largest one wins, in proportion to the weights (−w / ln u,
 * spec §4). Nothing about the other candidates enters, so that one that goes or comes moves only its share.
 */
export function rendezvousScore(name: Lanes, id: Lanes, weight: number): number {
  return -weight / Math.log(unitInterval(mix(id.a ^ name.a), mix(id.b ^ name.b)));
}

/** Strictly between 0 and 1: 52 bits and a half fit a double exactly, so ln u is never 0 nor infinite. */
function unitInterval(high: number, low: number): number {
  return ((high >>> 0) * 2 ** 20 + (low >>> 12) + 0.5) / BITS_52;
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
