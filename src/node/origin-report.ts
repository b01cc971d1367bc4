/** What `/status` and `/metrics` say of the stores: which of them are left alone because they keep failing. */

import type { Gauge } from "../observe/gauges.ts";
import { type OriginState, originStates } from "../origin/guard.ts";
import type { Topology } from "../topology/topology.ts";

export function originReports(
  memory: SharedArrayBuffer,
  topology: Topology,
): readonly OriginState[] {
  const names = topology.levels.flatMap(({ origins }) => origins.map(({ name }) => name));
  return originStates(memory, names);
}

export function originGauges(memory: SharedArrayBuffer, topology: Topology): readonly Gauge[] {
  return originReports(memory, topology).map(({ origin, what, leftAlone }) => ({
    name: "origin_left_alone",
    labels: { origin, what },
    value: leftAlone ? 1 : 0,
  }));
}
