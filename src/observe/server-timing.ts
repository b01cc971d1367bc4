/** Where the time of a request went, as the header `Server-Timing` says it (W3C Server Timing). */

import type { Span } from "./trace.ts";

/** How much of it a client is told: nothing, how long each took, which node it was too. */
export const TIMING_LEVELS = ["off", "durations", "nodes"] as const;
export type TimingLevel = (typeof TIMING_LEVELS)[number];

/** Of nodes behind this one the number of hops stands before the name: `1-origin;dur=31.2;desc="regional-1"`. */
export function formatServerTiming(spans: readonly Span[], names: boolean): string {
  return spans
    .map(({ name, ms, at, hop }) => {
      const metric = hop === 0 ? name : `${hop}-${name}`;
      const desc = names ? `;desc="${at}"` : "";
      return `${metric};dur=${Math.round(ms * 100) / 100}${desc}`;
    })
    .join(", ");
}
