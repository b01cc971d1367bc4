/** Bars and little curves out of characters, for terminals that can show them and for those that cannot. */

export interface Glyphs {
  /** `share` 0 to 1 of so many columns. */
  bar(share: number, width: number): string;
  /** The last `width` values, each in proportion to the largest of `peak` and all of them. */
  curve(values: readonly number[], width: number, peak?: number): string;
  readonly branch: string;
  readonly lastBranch: string;
  readonly dot: string;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const STEPS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const PLAIN_STEPS = ["_", ".", "-", "=", "+", "*", "%", "#"] as const;

/** By the locale: characters beyond ASCII are only sent where they are expected. */
export function glyphsFor(env: Readonly<Record<string, string | undefined>>): Glyphs {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return /utf-?8/i.test(locale) ? FINE : PLAIN;
}

export const FINE: Glyphs = {
  bar(share, width) {
    const eighths = Math.round(bounded(share) * width * 8);
    const filled = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
    return filled.padEnd(width, "·");
  },
  curve: (values, width, peak) => curveOf(STEPS, values, { width, peak }),
  branch: "├─",
  lastBranch: "└─",
  dot: "●",
};

export const PLAIN: Glyphs = {
  bar: (share, width) => "#".repeat(Math.round(bounded(share) * width)).padEnd(width, "."),
  curve: (values, width, peak) => curveOf(PLAIN_STEPS, values, { width, peak }),
  branch: "|-",
  lastBranch: "`-",
  dot: "*",
};

function curveOf(
  steps: readonly string[],
  values: readonly number[],
  { width, peak = 0 }: { readonly width: number; readonly peak: number | undefined },
): string {
  const shown = values.slice(-width);
  const most = Math.max(peak, ...shown);
  const text = shown
    .map((value) => (value > 0 && most > 0 ? Math.ceil((value / most) * steps.length) - 1 : -1))
    .map((step) => steps[step] ?? " ")
    .join("");
  return text.padStart(width);
}

function bounded(share: number): number {
  return Math.min(1, Math.max(0, share));
}
