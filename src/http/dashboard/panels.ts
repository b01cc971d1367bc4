/** The figures of the mesh as a whole, and its charts. */

import { percentile, type Rates } from "../mesh-rates.ts";
import { chart } from "./chart.ts";
import { bytes, figure, percent, seconds } from "./format.ts";
import { h, type Spec } from "./render.ts";
import { scaleFor, stack } from "./scale.ts";
import {
  calmSum,
  latencyOf,
  OUTCOMES,
  ownShare,
  type Sample,
  serversOf,
  type View,
} from "./view.ts";

const PERCENTILES = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p99", 0.99],
  ["p99.9", 0.999],
] as const;

export function tiles(view: View): Spec {
  const servers = serversOf(view.document);
  const edge = calmSum(view, view.document.levels[0]?.servers ?? []);
  const total = calmSum(view, servers);
  const statuses = servers.flatMap(({ status }) => status ?? []);
  const sum = (of: (status: (typeof statuses)[number]) => number): number =>
    statuses.reduce((all, status) => all + of(status), 0);
  const a = (counter: keyof Rates["counters"], rates = edge): number =>
    rates.counters[counter] ?? 0;
  const latency = latencyOf(view);
  const most = latency.boundsSeconds.at(-1) ?? 0;
  const took = (share: number): string => seconds(percentile(latency, share), most);
  const aside = sum(({ outbox }) => outbox.aside);
  return h(
    "dl",
    { class: "tiles" },
    tile("Requests", `${figure(a("http_requests"))}/s`, [
      `${figure(a("http_5xx"))}/s failed, ${figure(a("http_4xx"))}/s refused`,
    ]),
    tile("Hit ratio", percent(ownShare(edge.outcomes)), ["of pictures, at the asked edge"]),
    tile("Sent", `${bytes(a("http_bytes"))}/s`, ["to clients"]),
    tile("Latency p99", took(0.99), [`p50 ${took(0.5)}, p99.9 ${took(0.999)}`]),
    tile("Image workers", `${sum((s) => s.images.busy)} of ${sum((s) => s.images.workers)}`, [
      `busy; ${sum((s) => s.images.queued)} waiting, ${sum((s) => s.images.later)} for later`,
    ]),
    tile("Origin", `${figure(a("origin_get", total))}/s`, ["originals read"]),
    tile("Outbox", `${sum((s) => s.outbox.pending)}`, [
      aside === 0 ? "uploads on their way" : `uploads on their way, ${aside} set aside`,
    ]),
  );
}

function tile(name: string, value: string, notes: readonly string[]): Spec {
  return h(
    "div",
    { class: "tile" },
    h("dt", {}, name),
    h("dd", { class: "value" }, value),
    ...notes.map((note) => h("dd", { class: "note" }, note)),
  );
}

export function outcomesChart(view: View): Spec {
  const { history } = view;
  const now = history.at(-1);
  const shown = OUTCOMES.map((outcome) => ({
    outcome,
    values: history.map(({ edge }) => edge.outcomes[outcome] ?? 0),
  }));
  const series = shown.map(({ outcome, values }) => ({ look: `is-${outcome}`, values }));
  return panel(
    "Answers a second, by how they ended",
    chart({
      label: `Answers a second over the last minutes; now ${figure(now?.edge.counters.http_requests ?? 0)}`,
      ...timesOf(view),
      series,
      stacked: true,
      ...scaleFor(stack(series), { unit: 1000, show: figure }),
    }),
    h(
      "ul",
      { class: "legend" },
      shown.map(({ outcome, values }) =>
        h(
          "li",
          { class: values.some((value) => value > 0) ? "" : "idle" },
          h("span", { class: `swatch is-${outcome}` }),
          h("span", {}, outcome),
          h("span", { class: "value" }, figure(values.at(-1) ?? 0)),
        ),
      ),
    ),
  );
}

export function latencyChart(view: View): Spec {
  const { history } = view;
  const most = latencyOf(view).boundsSeconds.at(-1) ?? 0;
  const values = (share: number): (number | undefined)[] =>
    history.map(({ edge }) => {
      const took = percentile(edge.latency, share);
      return took === undefined ? undefined : onScale(Math.min(took, most));
    });
  return panel(
    "Latency to the start of an answer",
    chart({
      label: "Latency percentiles over the last minutes, on a logarithmic scale",
      ...timesOf(view),
      series: PERCENTILES.map(([name, share]) => ({
        look: `is-${look(name)}`,
        values: values(share),
      })),
      stacked: false,
      top: 1,
      ticks: SCALE_TICKS.map((tick) => ({ part: onScale(tick), text: seconds(tick, most) })),
    }),
    h(
      "ul",
      { class: "legend" },
      PERCENTILES.map(([name, share]) =>
        h(
          "li",
          {},
          h("span", { class: `swatch is-${look(name)}` }),
          h("span", {}, name),
          h("span", { class: "value" }, seconds(percentile(latencyOf(view), share), most)),
        ),
      ),
    ),
  );
}

export function bytesChart(view: View): Spec {
  const of = (read: (sample: Sample) => number): readonly number[] => view.history.map(read);
  const rows = [
    ["sent", "to clients", of(({ edge }) => edge.counters.http_bytes ?? 0)],
    ["between", "between nodes", of(betweenNodes)],
  ] as const;
  return panel(
    "Bytes a second",
    chart({
      label: "Bytes a second to clients and between nodes over the last minutes",
      ...timesOf(view),
      series: rows.map(([name, , values]) => ({ look: `is-${name}`, values })),
      stacked: false,
      ...scaleFor(
        rows.map(([, , values]) => values),
        { unit: 1024, show: bytes },
      ),
    }),
    h(
      "ul",
      { class: "legend" },
      rows.map(([name, said, values]) =>
        h(
          "li",
          {},
          h("span", { class: `swatch is-${name}` }),
          h("span", {}, said),
          h("span", { class: "value" }, `${bytes(values.at(-1) ?? 0)}/s`),
        ),
      ),
    ),
  );
}

export function panel(title: string, ...children: readonly Spec[]): Spec {
  return h("section", { class: "panel" }, h("h2", {}, title), ...children);
}

function betweenNodes({ total }: Sample): number {
  return total.flows.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
}

/** From a tenth of a millisecond to ten seconds. */
const SCALE_LEAST = 0.0001;
const SCALE_DECADES = 5;
const SCALE_TICKS = [0.001, 0.01, 0.1, 1, 10];

function onScale(value: number): number {
  const decades = Math.log10(Math.max(value, SCALE_LEAST) / SCALE_LEAST);
  return Math.min(1, decades / SCALE_DECADES);
}

function look(percentileName: string): string {
  return percentileName.replace(".", "");
}

function timesOf({ history, document }: View): {
  readonly at: readonly number[];
  readonly now: number;
} {
  return { at: history.map(({ at }) => at), now: document.at };
}
