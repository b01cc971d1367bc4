/** The servers that share content with this one, by name: looked up for each request between them. */

import type { Ownership } from "../../mesh/ownership.ts";
import { type Server, serverNamed } from "../../topology/topology.ts";
import type { Parts } from "../parts.ts";

/** An ownership is made anew for each topology, so what is kept with it is right as long as it is used. */
const kept = new WeakMap<Ownership, ReadonlyMap<string, Server>>();

/** This one included. */
export function groupOf({
  ownership,
  self,
  topology,
}: Pick<Parts, "ownership" | "self" | "topology">): ReadonlyMap<string, Server> {
  const known = kept.get(ownership);
  if (known !== undefined) return known;
  const names = ownership.group(self.name);
  const group = new Map(names.map((name) => [name, serverNamed(topology, name)]));
  kept.set(ownership, group);
  return group;
}
