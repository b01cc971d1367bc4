/** One line that tells how the demo's traffic is doing. */

import { formatBytes } from "../../base/bytes.ts";
import type { Output } from "../output.ts";
import { DEMO_WAITS } from "./bounds.ts";
import { SOURCES } from "./cache-status.ts";
import { makePaint, type Paint } from "./paint.ts";
import type { Tally } from "./traffic.ts";

/**
 * Requests and their rate of the last moments; the share of pictures that lay in a cache; bytes;
 * what the asked edges did; in brackets for how many the origin was read.
 */
export function formatTally(tally: Tally, perSecond: number, paint: Paint): string {
  const { requests, bytes, fromCache, fromOrigin, atEdge, refused, failed, skipped, leftOut } =
    tally;
  const served = SOURCES.reduce((sum, source) => sum + atEdge[source], 0);
  const share = served === 0 ? "–" : `${Math.floor((fromCache / served) * 100)} %`;
  const counts = [
    ...SOURCES.map((source) => [atEdge[source], source] as const),
    [refused, "refused"] as const,
    [failed, "failed"] as const,
    [skipped, "held back"] as const,
    [leftOut, "left out"] as const,
  ].filter(([count]) => count > 0);
  return [
    `${requests} requests ${perSecond.toFixed(1)}/s`,
    `cache ${paint.strong(share)}`,
    formatBytes(bytes),
    [...counts.map(([count, what]) => `${paint.source(what)} ${count}`)].join(" "),
    `(${paint.source("origin")} ${fromOrigin})`,
  ]
    .filter((part) => part !== "")
    .join("  ");
}

/** What its words mean, for below the picture of the mesh. */
export const LEGEND = [
  "hit, peer, generated, upstream: what the asked edge did; (origin): pictures the origin was read for",
  "cache: share of the pictures that lay in a cache of the mesh; refused: not a picture, or busy",
  "held back: not sent, because earlier requests were still being answered; left out: pictures " +
    "that cannot be decoded, not asked for again",
] as const;

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
  const points = [{ at: performance.now(), requests: tally().requests }];
  const show = (last = false): void => {
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
    if (inPlace) output.write(`\r\x1b[2K${last ? `${line}\n` : cut(line)}`);
    else output.say(line);
  };
  const timer = setInterval(() => show(), inPlace ? DEMO_WAITS.liveMs : DEMO_WAITS.quietLiveMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      show(true);
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
