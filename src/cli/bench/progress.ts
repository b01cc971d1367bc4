/** How far a load is, while it runs: one line that is written anew on a terminal, now and then one elsewhere. */

import { formatBytes } from "../../base/bytes.ts";
import type { Output } from "../output.ts";
import { BENCH_WAITS } from "./bounds.ts";
import { percentileMs } from "./latencies.ts";
import { errorsOf } from "./summary.ts";
import { formatCount, formatMs } from "./summary-text.ts";
import type { Totals } from "./tally.ts";

export interface Sight {
  readonly atMs: number;
  readonly totals: Totals;
}

/** Rates since the look before, latencies and ratios of the whole run. */
export function progressLine(now: Sight, before: Sight): string {
  const { totals } = now;
  const seconds = (now.atMs - before.atMs) / 1000;
  const rate = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const failed = Object.values(errorsOf(totals)).reduce((sum, count) => sum + count, 0);
  const told = Object.entries(totals.sources).filter(([source]) => source !== "unknown");
  const pictures = told.reduce((sum, [, count]) => sum + count, 0);
  const hits =
    pictures === 0 ? "–" : `${(((totals.sources["hit"] ?? 0) / pictures) * 100).toFixed(1)} %`;
  return [
    `${(now.atMs / 1000).toFixed(0)} s`,
    `${formatCount(rate(totals.ended - before.totals.ended))} requests/s`,
    `${formatBytes(rate(totals.endedBytes - before.totals.endedBytes))}/s`,
    `p50 ${formatMs(orNull(percentileMs(totals.all, 0.5)))}`,
    `p99 ${formatMs(orNull(percentileMs(totals.all, 0.99)))}`,
    `hits ${hits}`,
    `errors ${formatCount(failed)}`,
  ].join("  ");
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** `people` may write to standard output; otherwise lines go to standard error. */
export function showProgress(
  look: () => Totals,
  { output, people }: { readonly output: Output; readonly people: boolean },
): Disposable {
  const inPlace = people && output.isTerminal;
  const startMs = performance.now();
  let before: Sight = { atMs: 0, totals: look() };
  const show = (): void => {
    const now = { atMs: performance.now() - startMs, totals: look() };
    const line = progressLine(now, before);
    before = now;
    if (inPlace) output.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
    else output.complain(line);
  };
  const timer = setInterval(show, inPlace ? BENCH_WAITS.liveMs : BENCH_WAITS.quietLiveMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      if (inPlace) output.write("\r\x1b[2K");
    },
  };
}
