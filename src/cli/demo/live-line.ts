/** One line that tells how the demo's traffic is doing. */

import { formatBytes } from "../../base/bytes.ts";
import type { Output } from "../output.ts";
import { DEMO_WAITS } from "./bounds.ts";
import { SOURCES } from "./cache-status.ts";
import { makePaint, type Paint } from "./paint.ts";
import type { Tally } from "./traffic.ts";

/** `perSecond` is that of the last moments. */
export function formatTally(tally: Tally, perSecond: number, paint: Paint): string {
  const { requests, bytes, fromCache, fromOrigin, atEdge, refused, failed, skipped } = tally;
  const served = SOURCES.reduce((sum, source) => sum + atEdge[source], 0);
  const share = served === 0 ? "–" : `${Math.floor((fromCache / served) * 100)} %`;
  const outcomes = SOURCES.filter((source) => atEdge[source] > 0 && source !== "origin")
    .map((source) => `${paint.source(source)} ${atEdge[source]}`)
    .join(" · ");
  const trouble = [
    [refused, "refused"],
    [failed, "failed"],
    [skipped, "skipped"],
  ] as const;
  return [
    `${requests} requests`,
    `${perSecond.toFixed(1)}/s`,
    `from cache ${paint.strong(share)}`,
    formatBytes(bytes),
    outcomes,
    `${paint.source("origin")} reads ${fromOrigin}`,
    ...trouble.filter(([count]) => count > 0).map(([count, word]) => `${paint.bad(word)} ${count}`),
  ]
    .filter((part) => part !== "")
    .join("  ");
}

const RATE_WINDOW_MS = 5_000;

/**
 * On a terminal one line is written again and again; elsewhere a line is added every few seconds.
 * Disposing of it writes the last state.
 */
export function showLive(
  tally: () => Tally,
  { output, json }: { readonly output: Output; readonly json: boolean },
): Disposable {
  const inPlace = output.isTerminal && !json;
  const paint = makePaint(output.colour);
  const points: { readonly at: number; readonly requests: number }[] = [];
  const show = (): void => {
    const now = tally();
    const at = performance.now();
    points.push({ at, requests: now.requests });
    while (points.length > 2 && at - (points[0]?.at ?? at) > RATE_WINDOW_MS) points.shift();
    const [oldest] = points;
    const seconds = (at - (oldest?.at ?? at)) / 1000;
    const perSecond = seconds > 0 ? (now.requests - (oldest?.requests ?? 0)) / seconds : 0;
    if (json) {
      output.say(JSON.stringify({ event: "traffic", perSecond, ...now }));
      return;
    }
    const line = formatTally(now, perSecond, paint);
    if (inPlace) output.write(`\r\x1b[2K${cut(line)}`);
    else output.say(line);
  };
  const timer = setInterval(show, inPlace ? DEMO_WAITS.liveMs : DEMO_WAITS.quietLiveMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      show();
      if (inPlace) output.say("");
    },
  };
}

/** A line that wraps could not be taken back. */
function cut(line: string): string {
  const columns = process.stdout.columns ?? 0;
  return columns > 0 && Bun.stringWidth(line) >= columns
    ? Bun.sliceAnsi(line, 0, columns - 1, { ellipsis: "…" })
    : line;
}
