/** Short names for what nodes have to agree about, by which they see whether they do (spec §4). */

import type { Topology } from "./topology.ts";

const HEX_DIGITS = 16;

/** Of what decides ownership: the first 8 bytes of SHA-256, as hex. Form, and what does not route, make no difference. */
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
  return shortName(routing);
}

/** The same for what sizes say: nodes that differ in it pass each other over for some of them. */
export function classesOf({ sizes, image }: Pick<Topology, "sizes" | "image">): string {
  const classes = sizes.map(({ name, width, height, fit = "inside" }) => [
    name,
    width,
    height,
    fit,
  ]);
  return shortName(JSON.stringify([classes, image.exactSizes]));
}

function shortName(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, HEX_DIGITS);
}
