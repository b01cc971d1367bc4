/** `--compare`: this run beside an earlier one, and whether it is worse. */

import { closeSync, openSync, readSync } from "node:fs";
import * as v from "valibot";
import { Fault } from "../../base/fault.ts";
import type { Paint } from "../demo/paint.ts";
import { formatTable } from "../demo/table.ts";
import { BENCH_LIMITS } from "./bounds.ts";
import type { Summary } from "./summary.ts";

interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly of: (summary: Summary) => number | null;
  readonly better: "more" | "less";
  /** A difference under this is none, however large its ratio. */
  readonly least: number;
  /** Only shown: it varies too much from run to run, or follows from another one. */
  readonly shownOnly?: true;
}

/** What a timer or a single answer does to a run. */
const LEAST_MS = 0.05;
const LEAST_PERCENT = 0.1;

const MEASURES: readonly Measure[] = [
  { name: "requests/s", unit: "", of: (s) => s.requestsPerSecond, better: "more", least: 1 },
  { name: "p50", unit: "ms", of: (s) => s.latencyMs.p50, better: "less", least: LEAST_MS },
  { name: "p90", unit: "ms", of: (s) => s.latencyMs.p90, better: "less", least: LEAST_MS },
  { name: "p99", unit: "ms", of: (s) => s.latencyMs.p99, better: "less", least: LEAST_MS },
  {
    name: "p99.9",
    unit: "ms",
    of: (s) => s.latencyMs.p999,
    better: "less",
    least: LEAST_MS,
    shownOnly: true,
  },
  {
    name: "hit ratio",
    unit: "%",
    of: (s) => percent(s.hitRatio),
    better: "more",
    least: LEAST_PERCENT,
  },
  {
    name: "errors",
    unit: "%",
    of: (s) => percent(s.errorRatio),
    better: "less",
    least: LEAST_PERCENT,
  },
  {
    name: "generator CPU",
    unit: "µs",
    of: (s) => s.cpu.microsecondsARequest,
    better: "less",
    least: 0,
    shownOnly: true,
  },
];

export interface Compared {
  readonly name: string;
  readonly unit: string;
  readonly before: number | null;
  readonly now: number | null;
  /** Of now to before; null where it has no meaning. */
  readonly ratio: number | null;
  readonly verdict: "better" | "same" | "worse" | "shown";
}

export interface Comparison {
  readonly rows: readonly Compared[];
  /** Keys of the load in which the two runs differ. */
  readonly differs: readonly string[];
  readonly worse: boolean;
}

export interface CompareOptions {
  /** A share: what is worse by more of it than that counts as worse. */
  readonly tolerance: number;
  /** Keys of the load that are different from run to run. */
  readonly mayDiffer?: readonly (keyof Summary["load"])[];
}

export function compare(before: Summary, now: Summary, options: CompareOptions): Comparison {
  const { tolerance, mayDiffer = [] } = options;
  const rows = MEASURES.map((measure) => compareOne(measure, { before, now, tolerance }));
  const keys = (Object.keys(now.load) as (keyof Summary["load"])[]).filter(
    (key) => !mayDiffer.includes(key),
  );
  const differs = keys.filter((key) => !Bun.deepEquals(before.load[key], now.load[key]));
  return { rows, differs, worse: rows.some(({ verdict }) => verdict === "worse") };
}

function compareOne(
  { name, unit, of, better, least, shownOnly }: Measure,
  runs: { readonly before: Summary; readonly now: Summary; readonly tolerance: number },
): Compared {
  const [before, now] = [of(runs.before), of(runs.now)];
  const both = before !== null && now !== null;
  const ratio = both && before !== 0 ? now / before : null;
  const shown = { name, unit, before, now, ratio };
  if (shownOnly === true || !both) return { ...shown, verdict: "shown" };
  const [high, low] = better === "less" ? [now, before] : [before, now];
  if (Math.abs(now - before) < least) return { ...shown, verdict: "same" };
  if (high > low * (1 + runs.tolerance)) return { ...shown, verdict: "worse" };
  return { ...shown, verdict: low > high * (1 + runs.tolerance) ? "better" : "same" };
}

export function comparisonText(comparison: Comparison, paint: Paint): string {
  const { rows, differs, worse } = comparison;
  const columns = ["", "before", "now", "ratio", ""].map((head, i) => ({
    head,
    right: i > 0 && i < 4,
  }));
  const cells = rows.map(({ name, unit, before, now, ratio, verdict }) => [
    name,
    figure(before, unit),
    figure(now, unit),
    ratio === null ? "–" : `× ${ratio.toFixed(2)}`,
    verdict === "shown" ? "" : verdict,
  ]);
  const painted = (text: string): string => {
    if (text === "worse") return paint.bad(text);
    return text === "better" ? paint.good(text) : text;
  };
  const table = formatTable(columns, cells, (text, column) =>
    column === 4 ? painted(text) : text,
  );
  const lines = [table, ""];
  if (differs.length > 0) {
    lines.push(paint.bad(`the two loads differ in: ${differs.join(", ")}`));
  }
  lines.push(worse ? paint.bad("worse than before") : paint.good("not worse than before"));
  return lines.join("\n");
}

/**
 * What `--json` wrote, by the schema of what is to be compared. Throws a Fault when it cannot be read, or is
 * something else.
 */
export function readBefore<T extends v.GenericSchema>(path: string, schema: T): v.InferOutput<T> {
  const parsed = v.safeParse(schema, contentOf(path));
  if (parsed.success) return parsed.output;
  throw new Fault(
    "bad_request",
    `${path} is not what the same mir bench --json of this version wrote`,
  );
}

function contentOf(path: string): unknown {
  const buffer = Buffer.alloc(BENCH_LIMITS.summaryBytesMax + 1);
  try {
    const fd = openSync(path, "r");
    try {
      let length = 0;
      for (let got = -1; got !== 0 && length < buffer.length; length += got) {
        got = readSync(fd, buffer, length, buffer.length - length, null);
      }
      if (length > BENCH_LIMITS.summaryBytesMax) throw new Error("it is too long");
      return JSON.parse(buffer.toString("utf8", 0, length));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new Fault("bad_request", `${path} cannot be read as a summary`, { cause });
  }
}

function figure(value: number | null, unit: string): string {
  if (value === null) return "–";
  const digits = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return `${digits} ${unit}`.trimEnd();
}

function percent(share: number | null): number | null {
  return share === null ? null : share * 100;
}
