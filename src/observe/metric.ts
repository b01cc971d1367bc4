/** What every metric says of itself, whatever kind it is: `/metrics`, `/status` and docs/operations.md read these lists. */

/** A base unit, as Prometheus names them; `"1"` counts things, or is true or false. */
export type Unit = "1" | "bytes" | "seconds";

export interface MetricKind {
  readonly help: string;
  /** What an operator does when it moves oddly. */
  readonly action: string;
  /** Absent: `"1"`. Another one stands in the name too: `cache_bytes`. */
  readonly unit?: Unit;
}

/** Figures of the process have names that every program gives them; all else is ours. */
export function metricName(name: string): string {
  return name.startsWith("process_") ? name : `mir_${name}`;
}

export function unitOf({ unit = "1" }: MetricKind): Unit {
  return unit;
}
