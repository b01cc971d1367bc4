/** Where the values of a chart lie: scales, stacks and the paths of lines. */

export interface Series {
  /** A class of the style sheet, which has the colour. */
  readonly look: string;
  /** undefined: there was none at that moment. */
  readonly values: readonly (number | undefined)[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Tick {
  /** From the bottom, 0, to the top, 1. */
  readonly part: number;
  readonly text: string;
}

export interface Scale {
  /** The value at its top. */
  readonly top: number;
  /** What is written beside it. */
  readonly ticks: readonly Tick[];
}

/** Each series on top of those before it. */
export function stack(series: readonly Series[]): readonly (readonly number[])[] {
  let below: readonly number[] = [];
  return series.map(({ values }) => {
    below = values.map((value, i) => (value ?? 0) + (below[i] ?? 0));
    return below;
  });
}

/** Interrupted where there is no value. */
export function linePath(points: readonly (Point | undefined)[]): string {
  let pen = "M";
  return points
    .map((point) => {
      const word = point === undefined ? "" : `${pen}${point.x} ${point.y}`;
      pen = point === undefined ? "M" : "L";
      return word;
    })
    .join("");
}

/** A scale from nothing to at least the highest of the values, with its middle. */
export function scaleFor(
  rows: readonly (readonly number[])[],
  { unit, show }: { readonly unit: 1000 | 1024; readonly show: (value: number) => string },
): Scale {
  // a kibibyte, or one, even where there is nothing
  const most = Math.max(unit === 1024 ? unit : 1, ...rows.flat());
  const step = unit ** Math.floor(Math.log(most) / Math.log(unit));
  const top = Math.min(unit, niceTop(most / step)) * step;
  const ticks = [0.5, 1].map((part) => ({ part, text: show(part * top) }));
  return { top, ticks };
}

/** The next of 1, 2, 5, 10, … that is not below. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return (([1, 2, 5] as const).find((step) => step * power >= most) ?? 10) * power;
}
