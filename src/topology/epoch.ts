/** A short name for what decides ownership, by which nodes see whether they agree (spec §4). */

import type { Topology } from "./topology.ts";

const EPOCH_HEX_DIGITS = 16;

/** First 8 bytes of SHA-256, as hex. Form, and what does not route, make no difference. */
export function epochOf(topology: {
  readonly levels: Topology["levels"];
  readonly routing: Pick<Topology["routing"], "algorithm" | "seed">;
}): string {
  const { algorithm, seed } = topology.routing;
  const levels = topology.levels.map((level) =>
    level.servers.map(({ name, region, weight, draining }) => [
      name,
      region ?? null,
      weight,
      draining,
    ]),
  );
  // a list, whose order is ours, where the order of an object's keys would be an accident
  const routing = JSON.stringify([algorithm, seed, levels]);
  return new Bun.CryptoHasher("sha256").update(routing).digest("hex").slice(0, EPOCH_HEX_DIGITS);
}
