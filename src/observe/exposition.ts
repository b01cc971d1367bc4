/** Prometheus text format 0.0.4 of everything a node counts (spec §11). */

import { COUNTER_NAMES, COUNTERS, type CounterName } from "./counters.ts";
import { LATENCY_BUCKETS, readLatencies } from "./histogram.ts";

/** A figure that goes up and down; shown as `mir_{name}`, so the unit belongs into the name. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** Gauges that differ in nothing else stand one after the other. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const LATENCY_NAME = "mir_http_request_seconds";
const LATENCY_HELP = "Seconds from a request to the start of its answer, by how it ended";

/** `latencies` is memory made by `createHistogramMemory`. */
export function renderMetrics(options: {
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly gauges: readonly Gauge[];
  readonly latencies: SharedArrayBuffer;
}): string {
  const { counters, gauges, latencies } = options;
  const lines = [
    ...COUNTER_NAMES.flatMap((name) => [
      ...head(`mir_${name}_total`, "counter", COUNTERS[name].help),
      `mir_${name}_total ${figure(counters[name])}`,
    ]),
    ...gauges.flatMap(({ name, help, value, labels }, i) => [
      ...(gauges[i - 1]?.name === name ? [] : head(`mir_${name}`, "gauge", help)),
      `mir_${name}${labelText(labels)} ${figure(value)}`,
    ]),
    ...latencyLines(latencies),
  ];
  return `${lines.join("\n")}\n`;
}

function latencyLines(memory: SharedArrayBuffer): string[] {
  const lines = head(LATENCY_NAME, "histogram", LATENCY_HELP);
  for (const { outcome, counts, seconds } of readLatencies(memory)) {
    let below = 0;
    counts.forEach((count, i) => {
      below += count;
      const le = LATENCY_BUCKETS[i] ?? Number.POSITIVE_INFINITY;
      lines.push(
        `${LATENCY_NAME}_bucket{outcome="${outcome}",le="${figure(le)}"} ${figure(below)}`,
      );
    });
    lines.push(`${LATENCY_NAME}_sum{outcome="${outcome}"} ${figure(seconds)}`);
    // of the same reading as the buckets: the format wants `+Inf` and count to be equal
    lines.push(`${LATENCY_NAME}_count{outcome="${outcome}"} ${figure(below)}`);
  }
  return lines;
}

function head(name: string, type: "counter" | "gauge" | "histogram", help: string): string[] {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return [`# HELP ${name} ${escaped}`, `# TYPE ${name} ${type}`];
}

function labelText(labels: Gauge["labels"] = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** A path may hold anything. */
function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The format spells infinity its own way. */
function figure(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}
