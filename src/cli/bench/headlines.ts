/** The two numbers of the canonical workload, and how they were come by. */

import { availableParallelism } from "node:os";
import * as v from "valibot";
import type { Paint } from "../demo/paint.ts";
import { SUMMARY } from "./summary.ts";
import { formatCount, formatMs } from "./summary-text.ts";

/** As `--json` has it. */
export const CANONICAL = v.object({
  hitsPerSecond: v.number(),
  hitP99Ms: v.nullable(v.number()),
  /** As many as are answered. */
  closed: SUMMARY,
  /** At half of that. */
  open: SUMMARY,
});
export type Canonical = v.InferOutput<typeof CANONICAL>;

export function headlineText(
  { hitsPerSecond, hitP99Ms, closed, open }: Canonical,
  paint: Paint,
): string {
  const { connections, threads, targets } = closed.load;
  const cores = availableParallelism();
  const how = [
    `${targets.length} edges of a mesh of this machine, mesh and generator on the same ${cores} cores;`,
    `${connections} connections of ${threads} ${threads === 1 ? "thread" : "threads"}, pictures by Zipf ${closed.load.zipf}, ${closed.seconds.toFixed(0)} s each`,
  ];
  const rate = `${formatCount(hitsPerSecond)} requests/s`;
  const late = `${formatMs(hitP99Ms)} at ${formatCount(open.load.perSecond ?? 0)} requests/s`;
  return [
    ...how.map((line) => paint.quiet(line)),
    "",
    `hits         ${paint.strong(rate)}`,
    `p99 of hits  ${paint.strong(late)}`,
  ].join("\n");
}
