/** Charts over the last minutes as SVG: areas on top of each other, or lines. */

import { type Child, h, type Spec } from "./render.ts";
import { linePath, type Point, type Scale, type Series, stack, type Tick } from "./scale.ts";
import { HISTORY_SECONDS } from "./view.ts";

export interface ChartOptions extends Scale {
  /** What it shows, for who does not see it. */
  readonly label: string;
  /** Unix seconds of each value. */
  readonly at: readonly number[];
  readonly now: number;
  readonly series: readonly Series[];
  readonly stacked: boolean;
}

const WIDTH = 600;
const HEIGHT = 150;
/** Below them are the minutes. */
const PLOT = 128;

/** The picture is stretched to its box, its text is not: that stands beside it. */
export function chart(options: ChartOptions): Spec {
  const { label, series, ticks } = options;
  const rows = options.stacked ? stack(series) : series.map(({ values }) => values);
  const points = rows.map((row) => row.map((value, i) => place(options, value, i)));
  const shapes = series.map(({ look }, i) =>
    options.stacked
      ? h("path", { class: `area ${look}`, d: areaPath(points[i] ?? [], points[i - 1]) })
      : h("path", { class: `line ${look}`, d: linePath(points[i] ?? []) }),
  );
  return h(
    "div",
    { class: "chart", role: "img", "aria-label": label },
    h(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...grid(ticks),
      ...shapes.reverse(),
    ),
    h(
      "svg",
      { class: "ticks", "aria-hidden": "true" },
      ticks.map(({ part, text }) =>
        h("text", { x: 0, y: (1 - part) * PLOT + (part === 1 ? 10 : 5) }, text),
      ),
    ),
    h("span", { class: "scale since" }, `${HISTORY_SECONDS / 60} min ago`),
    h("span", { class: "scale now" }, "now"),
  );
}

function grid(ticks: readonly Tick[]): readonly Child[] {
  const minutes = HISTORY_SECONDS / 60;
  return [
    ...[0, ...ticks.map(({ part }) => part)].map((part) => {
      const y = (1 - part) * PLOT + 1;
      return h("line", { class: "grid", x1: 0, x2: WIDTH, y1: y, y2: y });
    }),
    ...Array.from({ length: minutes - 1 }, (_, i) => {
      const x = ((i + 1) / minutes) * WIDTH;
      return h("line", { class: "grid minute", x1: x, x2: x, y1: 1, y2: PLOT + 1 });
    }),
  ];
}

function place(
  { at, now, top }: ChartOptions,
  value: number | undefined,
  i: number,
): Point | undefined {
  if (value === undefined) return undefined;
  const age = now - (at[i] ?? now);
  const x = round((1 - age / HISTORY_SECONDS) * WIDTH);
  return { x, y: round((1 - Math.min(1, value / top)) * PLOT + 1) };
}

function areaPath(
  upper: readonly (Point | undefined)[],
  lower: readonly (Point | undefined)[] | undefined,
): string {
  const above = upper.filter((point) => point !== undefined);
  if (above.length < 2) return "";
  const floor = above.map(({ x }) => ({ x, y: PLOT + 1 }));
  const below = lower?.filter((point) => point !== undefined) ?? floor;
  return `${linePath(above)}${linePath(below.toReversed()).replace("M", "L")}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
