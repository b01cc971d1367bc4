/** How hot something is: decay, threshold, rate, and on how many servers it should lie (spec §7). Pure functions. */

/** A second half-life beside the one of `[hot]`, so that a sudden crowd is measured within seconds. */
export const FLASH_HALF_LIFE_MS = 5_000;

/** Spec §7: an item is hot from a score of `max(5, 0.00495 × requests per minute)`. */
const THRESHOLD_LEAST = 5;
const THRESHOLD_SHARE = 0.00495;

/**
 * What one id may add to the load of a server that has it, in parts of the mean load of its level. Well below the
 * quarter that all of them together may add, as several hot ids may meet on one server.
 */
const EXCESS_MAX = 1 / 16;

/** Below this age an item's rate is not known any better: it was asked for in a burst. */
const AGE_LEAST_MS = 1000;

/** What is left of a score after a while without an access: 3.0 after 40 s of 300 s is 2.7. */
export function decayed(score: number, ageMs: number, halfLifeMs: number): number {
  return score * Math.exp((-Math.LN2 * ageMs) / halfLifeMs);
}

/** 60,000 a minute give 297, 100 a minute give 5. */
export function thresholdOf(requestsPerMinute: number): number {
  return Math.max(THRESHOLD_LEAST, THRESHOLD_SHARE * requestsPerMinute);
}

/** Accesses a second that a decaying score stands for, in an item that was first asked for `ageMs` ago. */
export function rateOf(score: number, ageMs: number, halfLifeMs: number): number {
  const grown = 1 - decayed(1, Math.max(AGE_LEAST_MS, ageMs), halfLifeMs);
  return (score * Math.LN2) / (halfLifeMs / 1000) / grown;
}

/**
 * On how many of a level's equal servers an id should lie that takes this share of the level's requests, 0 to 1, so
 * that none of those that have it is loaded above the mean by more than EXCESS_MAX of it: its part of the id is
 * share / k instead of share / servers. Half of all requests need all of six servers.
 */
export function degreeOf(share: number, servers: number): number {
  const wanted = Math.ceil((share * servers) / (share + EXCESS_MAX));
  return Math.max(1, Math.min(servers, wanted));
}

/**
 * The servers that an id is copied to, the first one first: further ranks, so that copies of different ids fall on
 * different servers; with `md5-modulo` owner + 1, then owner − 1, and so on outwards.
 */
export function copyOrder(
  algorithm: "rendezvous" | "md5-modulo",
  ranks: readonly string[],
): readonly string[] {
  const others = ranks.slice(1);
  if (algorithm === "rendezvous") return others;
  return others.map((_, i) => others.at(i % 2 === 0 ? i / 2 : -(i + 1) / 2) ?? "");
}
