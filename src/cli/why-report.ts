/** What `mir why` says, as lines for people. */

import { formatBytes } from "../base/bytes.ts";
import { parseRelname } from "../base/variant.ts";
import type { Paint } from "./demo/paint.ts";
import type { WhyShown } from "./why-schema.ts";
import { formatMs, formatSpan } from "./words.ts";

type LevelHolders = WhyShown["levels"][number];
type Holder = LevelHolders["servers"][number];

interface Show {
  readonly paint: Paint;
  readonly nowSeconds: number;
}

/** Fills that are told; `--json` has them all. */
const FILLS_SHOWN = 8;

export function whyLines(told: WhyShown, show: Show): readonly string[] {
  return [
    ...head(told, show),
    "",
    ...next(told, show),
    "",
    ...told.levels.flatMap((level) => [...levelLines(level, told, show), ""]),
    ...rows("heat", heat(told), show),
    ...rows("state", state(told, show), show),
    ...rows("paths", paths(told), show),
    ...rows("refused", refusals(told), show),
    ...rows("fills", fills(told, show), show),
  ];
}

function head({ id, webId, server, level }: WhyShown, { paint }: Show): readonly string[] {
  const of = webId === undefined || webId === id ? "" : `  (web id ${webId})`;
  return [`${paint.strong(id)}${of}  seen from ${server}, level ${level}`];
}

/** The first step is what happens; the rest is what comes when that cannot be had. */
function next({ next: forecasts, size, format }: WhyShown, { paint }: Show): readonly string[] {
  const title = `the next request for ${size === "orig" ? size : `${size} ${format}`}`;
  if (forecasts.length === 0) return [title, "  no worker had time to say"];
  return forecasts.flatMap(({ relname, steps, workers }) => {
    const who = forecasts.length > 1 ? ` at worker ${workers.join(", ")}` : "";
    let order = 0;
    return [
      `${paint.strong(title)}${who}  ${paint.quiet(relname)}`,
      ...steps.map(({ why, does }) => {
        if (does === "pass-over") return `   ·  ${why}`;
        order++;
        return `  ${String(order).padStart(2)}  ${order === 1 ? why : `else ${why}`}`;
      }),
    ];
  });
}

function levelLines(
  { level, servers, more }: LevelHolders,
  told: WhyShown,
  { paint }: Show,
): readonly string[] {
  const width = Math.max(...servers.map(({ server }) => server.length));
  const lines = servers.flatMap((holder) => {
    const rank = String(holder.rank).padStart(4);
    const stateText = holder.state.padEnd(7);
    const painted = holder.state === "up" ? paint.good(stateText) : paint.bad(stateText);
    const name = holder.server.padEnd(width);
    const start = `${rank}  ${holder.rank === 1 ? paint.strong(name) : name}  ${painted}`;
    const blank = " ".repeat(4 + 2 + width + 2 + 7);
    const notes = notesOf(holder, told);
    const [first = "", ...others] = holdings(holder);
    return [
      `${start}  ${first}${notes === "" ? "" : paint.quiet(`  ${notes}`)}`,
      ...others.map((text) => `${blank}  ${text}`),
    ];
  });
  const further = more > 0 ? [`      and ${more} further servers, which were not asked`] : [];
  return [paint.strong(`level ${level}`), ...lines, ...further];
}

function notesOf(holder: Holder, { pinned }: WhyShown): string {
  const { rank, self, draining, weight, region } = holder;
  return [
    ...(rank === 1 ? ["owner"] : []),
    ...(self ? ["this node"] : []),
    ...(draining ? ["draining"] : []),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(region === undefined ? [] : [region]),
    ...(self && pinned.length > 0 ? ["pinned"] : []),
  ].join(", ");
}

function holdings({ variants, unknown }: Holder): readonly string[] {
  if (variants === undefined) return [unknown ?? "not asked"];
  if (variants.length === 0) return ["nothing"];
  return variants.map(({ relname, bytes, validator }) => {
    return `${shortName(relname).padEnd(16)} ${formatBytes(bytes).padStart(8)}  ${validator}`;
  });
}

/** `md jpg` */
function shortName(relname: string): string {
  const name = parseRelname(relname);
  return name === undefined ? relname : `${name.size} ${name.ext}`;
}

function heat({ hot: { threshold, tracked, replicas }, level }: WhyShown): readonly string[] {
  const kept = replicas.map((relname) => `kept here for its owner: ${relname}`);
  if (tracked === undefined)
    return [`cold: not asked for of late (hot from ${threshold})`, ...kept];
  const { score, rate, degree, holders } = tracked;
  const verdict = score >= threshold ? "hot" : "not hot";
  const copies = holders.length > 0 ? `copies at ${holders.join(", ")}` : "no copies known here";
  const wish = degree > 1 ? `; should lie on ${degree} servers of level ${level}` : "";
  return [
    `${verdict}: score ${score} of ${threshold}, ${rate} requests/s; ${copies}${wish}`,
    ...kept,
  ];
}

function state(told: WhyShown, { nowSeconds }: Show): readonly string[] {
  const { blocked, purgedAt, pinned, outbox } = told;
  const uploads = {
    waiting: "an upload is on its way from here to the store",
    aside: "an upload is set aside: the store holds other bytes; see the outbox",
  };
  return [
    ...(blocked ? ["blocked: answered with 451"] : []),
    ...(purgedAt === null ? [] : [`purged ${formatSpan(nowSeconds - purgedAt)} ago`]),
    ...(outbox === null ? [] : [uploads[outbox]]),
    ...pinned.map((relname) => `pinned: ${relname}`),
  ];
}

function paths({ workers, webId }: WhyShown): readonly string[] {
  return workers.flatMap(({ worker, path, answered }) => {
    if (!answered) return [`worker ${worker} had no time to say what it knows`];
    if (path === undefined) return [];
    const to = path.id === undefined ? "is known not to exist" : `is ${path.id}`;
    const fresh = path.freshSeconds > 0 ? `for ${formatSpan(path.freshSeconds)} more` : "stale";
    const seen = path.accesses > 0 ? `, ${path.accesses} accesses` : "";
    return [`worker ${worker}: ${webId} ${to}, ${fresh}${seen}`];
  });
}

function refusals({ workers }: WhyShown): readonly string[] {
  return workers.flatMap(({ worker, refusals: kept }) =>
    kept.map(({ of, code, seconds }) => `worker ${worker}: ${of} is ${code} for ${seconds} s more`),
  );
}

function fills({ fills: all }: WhyShown, { nowSeconds, paint }: Show): readonly string[] {
  if (all.length === 0) return ["none that this node remembers"];
  const lines = all.slice(0, FILLS_SHOWN).map((fill) => {
    const { relname, source, from, bytes, firstMs, totalMs, queueMs, workMs, madeOf, at } = fill;
    const origin = from === undefined ? "" : ` from ${from}`;
    const of = madeOf === undefined ? "" : ` of ${shortName(madeOf)}`;
    const times = [
      ...(source === "upload" ? [] : [`whole after ${formatMs(totalMs)}`]),
      ...(firstMs === undefined ? [] : [`first byte ${formatMs(firstMs)}`]),
      ...(queueMs === undefined ? [] : [`queue ${formatMs(queueMs)}`]),
      ...(workMs === undefined ? [] : [`image work ${formatMs(workMs)}`]),
      ...(fill.stored ? [] : ["not kept"]),
    ];
    const what = `${shortName(relname).padEnd(16)} ${paint.source(source)}${of}${origin}`;
    const age = `${formatSpan(nowSeconds - at)} ago`;
    return `${what}, ${formatBytes(bytes)}, ${[...times, age].join(", ")}`;
  });
  const rest = all.length - lines.length;
  return rest > 0 ? [...lines, `and ${rest} older ones: --json tells them`] : lines;
}

const TITLE_WIDTH = 9;

function rows(title: string, lines: readonly string[], { paint }: Show): readonly string[] {
  return lines.map((line, i) => {
    const shown = i === 0 ? title.padEnd(TITLE_WIDTH) : " ".repeat(TITLE_WIDTH);
    return `${i === 0 ? paint.strong(shown) : shown}${line}`;
  });
}
