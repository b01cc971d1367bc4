/** Everything a node counts as text for Prometheus: its format 0.0.4, or OpenMetrics 1.0 (spec §11). */

import { COUNTER_NAMES, type CounterName, counterKind } from "./counters.ts";
import { type Gauge, gaugeKind } from "./gauges.ts";
import { HISTOGRAMS, LATENCY_BUCKETS, readLatencies } from "./histogram.ts";
import { type MetricKind, metricName, unitOf } from "./metric.ts";

export type ExpositionFormat = "text" | "openmetrics";

export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const OPENMETRICS = /(?:^|,)\s*application\/openmetrics-text\s*(?:;([^,]*))?(?:,|$)/i;
const REFUSED = /(?:^|;)\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/i;

/** OpenMetrics for whoever names it, as Prometheus does; a browser and curl get the plain text. */
export function formatFor(accept: string | null): ExpositionFormat {
  const found = OPENMETRICS.exec(accept ?? "");
  return found === null || REFUSED.test(found[1] ?? "") ? "text" : "openmetrics";
}

export interface Figures {
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly gauges: readonly Gauge[];
  /** Memory made by `createHistogramMemory`. */
  readonly latencies: SharedArrayBuffer;
}

export function renderMetrics(figures: Figures, format: ExpositionFormat = "text"): string {
  const { counters, gauges, latencies } = figures;
  const lines = [
    ...COUNTER_NAMES.flatMap((name) => {
      const family = { name: metricName(name), type: "counter", kind: counterKind(name) } as const;
      return [...head(family, format), `${family.name}_total ${figure(counters[name])}`];
    }),
    ...gauges.flatMap(({ name, value, labels }, i) => [
      ...(gauges[i - 1]?.name === name ? [] : head(gaugeFamily(name), format)),
      `${metricName(name)}${labelText(labels)} ${figure(value)}`,
    ]),
    ...latencyLines(latencies, format),
    ...(format === "openmetrics" ? ["# EOF"] : []),
  ];
  return `${lines.join("\n")}\n`;
}

interface Family {
  /** Of a counter, without its suffix. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly kind: MetricKind;
}

function gaugeFamily(name: Gauge["name"]): Family {
  const kind = gaugeKind(name);
  const { type = "gauge" } = kind;
  return { name: metricName(name).replace(/_total$/, ""), type, kind };
}

function latencyLines(memory: SharedArrayBuffer, format: ExpositionFormat): string[] {
  const name = metricName("http_request_seconds");
  const kind = HISTOGRAMS.http_request_seconds;
  const lines = head({ name, type: "histogram", kind }, format);
  for (const { outcome, counts, seconds } of readLatencies(memory)) {
    let below = 0;
    counts.forEach((count, i) => {
      below += count;
      const le = LATENCY_BUCKETS[i] ?? Number.POSITIVE_INFINITY;
      lines.push(`${name}_bucket{outcome="${outcome}",le="${figure(le)}"} ${figure(below)}`);
    });
    lines.push(`${name}_sum{outcome="${outcome}"} ${figure(seconds)}`);
    // of the same reading as the buckets: the format wants `+Inf` and count to be equal
    lines.push(`${name}_count{outcome="${outcome}"} ${figure(below)}`);
  }
  return lines;
}

/**
 * OpenMetrics calls a counter without its suffix, and knows a unit only where the name ends in it. In the older format
 * UNIT is a comment, there for people.
 */
function head({ name, type, kind }: Family, format: ExpositionFormat): string[] {
  const unit = unitOf(kind);
  const open = format === "openmetrics";
  const family = open || type !== "counter" ? name : `${name}_total`;
  const help = kind.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return [
    `# HELP ${family} ${open ? help.replaceAll('"', '\\"') : help}`,
    `# TYPE ${family} ${type}`,
    ...(open && unit === "1" ? [] : [`# UNIT ${family} ${unit}`]),
  ];
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
