/** The order in which the servers of a group own a content id; a pure function of the topology (spec §4). */

import { rendezvousScore } from "../base/rendezvous.ts";
import { hash32 } from "../wire/xxhash.ts";

export interface Candidate {
  readonly name: string;
  readonly weight: number;
  readonly draining: boolean;
}

/** The first `ranksMax` servers of the group, all of them without it; the owner is the first. */
export type Rank = (id: string, ranksMax?: number) => readonly string[];

/** Two independent lanes of 32 bits; any constants do, but changing one moves all content. */
const LANE_A = 0x9e37_79b9;
const LANE_B = 0x85eb_ca6b;

/** Weighted rendezvous: rank by −w / ln u, u from (seed, server name, id); draining servers come last. */
export function rendezvousRank(candidates: readonly Candidate[], seed: string): Rank {
  // sorted by name, so that the order in the file cannot decide a tie
  const servers = [...candidates]
    .sort((x, y) => (x.name < y.name ? -1 : 1))
    .map(({ name, weight, draining }) => ({
      name,
      weight,
      draining,
      a: hash32(`${seed}\0${name}`, LANE_A),
      b: hash32(`${seed}\0${name}`, LANE_B),
    }));
  return (id, ranksMax = servers.length) => {
    const lanes = { a: hash32(id, LANE_A), b: hash32(id, LANE_B) };
    const best: { readonly name: string; readonly score: number }[] = [];
    for (const server of servers) {
      const weighted = rendezvousScore(server, lanes, server.weight);
      // below every positive score, in the same order among themselves
      const score = server.draining ? -1 / weighted : weighted;
      let at = best.length;
      while (at > 0 && score > (best[at - 1]?.score ?? 0)) at--;
      if (at >= ranksMax) continue;
      best.splice(at, 0, { name: server.name, score });
      if (best.length > ranksMax) best.pop();
    }
    return best.map((server) => server.name);
  };
}

/** Rank 1 is MD5(id) mod n over the servers in file order, the others follow it; draining ones come last. */
export function md5ModuloRank(candidates: readonly Candidate[]): Rank {
  const count = candidates.length;
  return (id, ranksMax = count) => {
    if (count === 0) return [];
    const first = remainder(new Bun.CryptoHasher("md5").update(id).digest(), count);
    const order = [...candidates.slice(first), ...candidates.slice(0, first)];
    const ranked = [...order.filter((s) => !s.draining), ...order.filter((s) => s.draining)];
    return ranked.slice(0, ranksMax).map((s) => s.name);
  };
}

/** The bytes as one big-endian integer, modulo n < 2^44: byte by byte, so no BigInt is needed. */
function remainder(bytes: Uint8Array, n: number): number {
  let rest = 0;
  for (const byte of bytes) rest = (rest * 256 + byte) % n;
  return rest;
}
