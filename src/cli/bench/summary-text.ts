/** A summary for people. */

import { formatBytes } from "../../base/bytes.ts";
import type { Paint } from "../demo/paint.ts";
import { BENCH_WAITS } from "./bounds.ts";
import type { Summary } from "./summary.ts";

const BAR_CELLS = 40;
const LABEL_CELLS = 10;

export function summaryText(summary: Summary, paint: Paint): string {
  return [
    ...loadLines(summary),
    "",
    ...rateLines(summary, paint),
    ...latencyLines(summary, paint),
    ...errorLines(summary, paint),
    ...uploadLines(summary, paint),
    ...generatorLines(summary, paint),
    ...(summary.histogram.length === 0 ? [] : ["", ...histogramLines(summary, paint)]),
  ].join("\n");
}

/** `0.212 ms`: three figures of what lies within 0.4 %. */
export function formatMs(ms: number | null): string {
  if (ms === null) return "–";
  if (ms >= 10_000) return `${(ms / 1000).toPrecision(3)} s`;
  if (ms >= 100) return `${Math.round(ms)} ms`;
  return `${ms.toPrecision(3)} ms`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

function loadLines({ load, seconds, stopped }: Summary): string[] {
  const { targets, ids, connections, threads } = load;
  const [first = "", ...others] = targets;
  const where = others.length === 0 ? first : `${first} and ${others.length} more`;
  const loop =
    load.perSecond === null
      ? "closed loop"
      : `open loop, ${formatCount(load.perSecond)} requests/s wanted`;
  const asked = `${formatCount(ids)} ${plural(ids, "id")} by Zipf ${load.zipf}`;
  const variants = Object.keys(load.variants).join(" ");
  const ramp = load.rampMs > 0 ? ` after a ramp of ${load.rampMs / 1000} s` : "";
  return [
    `${where}: ${loop}, ${connections} connections, ${threads} ${plural(threads, "thread")}`,
    [asked, variants, `seed ${load.seed}`].filter((part) => part !== "").join(", "),
    `${seconds.toFixed(1)} s measured${stopped ? " until it was stopped" : ""}${ramp}`,
  ];
}

function rateLines(summary: Summary, paint: Paint): string[] {
  const { requests, requestsPerSecond, bytes, bytesPerSecond, hitRatio, sources } = summary;
  const rate = paint.strong(`${formatCount(requestsPerSecond)}/s`);
  const told = Object.entries(sources).filter(([, count]) => count > 0);
  const shares = told.map(([source, count]) => `${paint.source(source)} ${formatCount(count)}`);
  const ratio = hitRatio === null ? "–" : `${(hitRatio * 100).toFixed(2)} %`;
  return [
    line("requests", `${formatCount(requests)}   ${rate}`),
    line("bytes", `${formatBytes(bytes)}   ${formatBytes(bytesPerSecond)}/s`),
    line("hit ratio", `${paint.strong(ratio)}   ${shares.join("  ")}`),
  ];
}

function latencyLines({ latencyMs, hitLatencyMs, load }: Summary, paint: Paint): string[] {
  const { mean, p50, p90, p99, p999, p9999, max } = latencyMs;
  const named = [
    ["p50", p50],
    ["p90", p90],
    ["p99", p99],
    ["p99.9", p999],
    ["p99.99", p9999],
    ["max", max],
    ["mean", mean],
  ] as const;
  const all = named.map(([name, ms]) => `${paint.quiet(name)} ${formatMs(ms)}`).join("  ");
  const from = load.loop === "open" ? "from when they were due" : "from when they were sent";
  const hits = `p50 ${formatMs(hitLatencyMs.p50)}  p99 ${formatMs(hitLatencyMs.p99)}`;
  return [line("latency", `${all}  ${paint.quiet(from)}`), line("of hits", hits)];
}

function errorLines(summary: Summary, paint: Paint): string[] {
  const { errors, errorRatio, missing, late, unsent } = summary;
  const lines: string[] = [];
  if (missing > 0)
    lines.push(
      line("nobody's", `${formatCount(missing)} ${plural(missing, "id")} answered 404, as wanted`),
    );
  const kinds = Object.entries(errors).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const percent = errorRatio * 100;
  const share = `${percent < 10 ? percent.toPrecision(2) : percent.toFixed(0)} %`;
  if (kinds.length === 0) lines.push(line("errors", paint.good("none")));
  else lines.push(line("errors", paint.bad(`${share}   ${kinds.join("  ")}`)));
  const behind = [
    [late, `sent more than ${BENCH_WAITS.lateMs} ms after they were due`] as const,
    [unsent, "due and never sent"] as const,
  ].filter(([count]) => count > 0);
  if (behind.length > 0) {
    const told = behind.map(([count, what]) => `${formatCount(count)} ${what}`).join(", ");
    lines.push(line("behind", paint.bad(told)));
  }
  return lines;
}

function uploadLines({ uploads }: Summary, paint: Paint): string[] {
  if (uploads === null) return [];
  const { done, failed, bytes, latencyMs } = uploads;
  const times = `p50 ${formatMs(latencyMs.p50)}  p99 ${formatMs(latencyMs.p99)}  max ${formatMs(latencyMs.max)}`;
  const kinds = Object.entries(failed).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const bad = kinds.length === 0 ? "" : paint.bad(`   failed: ${kinds.join("  ")}`);
  return [line("uploads", `${formatCount(done)}   ${formatBytes(bytes)}   ${times}${bad}`)];
}

function generatorLines({ cpu, latenessMs, load }: Summary, paint: Paint): string[] {
  const each = cpu.microsecondsARequest;
  const cost = each === null ? "" : `, ${each.toFixed(1)} µs a request`;
  const late =
    load.loop === "open"
      ? `, sent late by p50 ${formatMs(latenessMs.p50)}, p99 ${formatMs(latenessMs.p99)}`
      : "";
  const text = `${Math.round(cpu.share * 100)} % of its processor time${cost}${late}`;
  const bound = "generator-bound: more --threads, or another machine, would measure more";
  return [line("generator", text), ...(cpu.generatorBound ? [line("", paint.bad(bound))] : [])];
}

function histogramLines({ histogram }: Summary, paint: Paint): string[] {
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...histogram.map(({ count }) => count));
  return histogram.map(({ ms, count }) => {
    const bar = barOf(count / most);
    const share = `${((count / total) * 100).toFixed(2)} %`.padStart(9);
    const label = `≤ ${barEnd(ms)}`;
    return `${label.padStart(LABEL_CELLS)} ${share}  ${paint.good(bar)} ${formatCount(count)}`;
  });
}

function barEnd(ms: number): string {
  if (ms >= 1000) return `${ms / 1000} s`;
  return ms < 1 ? `${Math.round(ms * 1000)} µs` : `${ms} ms`;
}

/** Whole and half cells; what is there at all is seen. */
function barOf(share: number): string {
  const halves = share === 0 ? 0 : Math.max(1, Math.round(share * BAR_CELLS * 2));
  return "█".repeat(halves >> 1) + (halves % 2 === 1 ? "▌" : "");
}

function line(name: string, text: string): string {
  return `${name.padEnd(LABEL_CELLS)} ${text}`.trimEnd();
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
