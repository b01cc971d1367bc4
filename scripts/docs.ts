/** Writes the tables of docs/operations.md from the tables in the code; a test says when that is due. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../src/base/bytes.ts";
import { CONTAINED, DEADLINES } from "../src/base/deadlines.ts";
import { LIMITS } from "../src/base/limits.ts";
import { COUNTER_NAMES, counterKind } from "../src/observe/counters.ts";
import { GAUGE_NAMES, gaugeKind } from "../src/observe/gauges.ts";
import { HISTOGRAMS } from "../src/observe/histogram.ts";
import { metricName, unitOf } from "../src/observe/metric.ts";
import { ROOT } from "./setup.ts";

export const PAGE = join(ROOT, "docs", "operations.md");

/** The page with each table between its marks replaced by what the code says. */
export function withTables(page: string): string {
  return Object.entries(TABLES).reduce((text, [name, table]) => between(text, name, table()), page);
}

const TABLES: Readonly<Record<string, () => string>> = {
  deadlines: () =>
    tableOf(
      ["deadline", "how long", "for what", "lies within"],
      Object.entries(DEADLINES).map(([name, ms]) => [
        `\`${name}\``,
        timeText(ms),
        commentsOf("src/base/deadlines.ts").get(name) ?? "",
        outerOf(name),
      ]),
    ),
  limits: () =>
    tableOf(
      ["limit", "value", "of what"],
      Object.entries(LIMITS).map(([name, value]) => [
        `\`${name}\``,
        valueText(name, value),
        commentsOf("src/base/limits.ts").get(name) ?? "",
      ]),
    ),
  counters: () =>
    tableOf(
      ["counter", "in `/metrics`", "unit", "what it counts", "what to do about it"],
      COUNTER_NAMES.map((name) => {
        const kind = counterKind(name);
        const shown = `\`${metricName(name)}_total\``;
        return [`\`${name}\``, shown, unitOf(kind), kind.help, kind.action];
      }),
    ),
  gauges: () =>
    tableOf(
      ["in `/metrics`", "labels", "unit", "what it shows", "what to do about it"],
      GAUGE_NAMES.map((name) => {
        const kind = gaugeKind(name);
        const labels = (kind.labels ?? []).map((label) => `\`${label}\``).join(", ");
        return [`\`${metricName(name)}\``, labels, unitOf(kind), kind.help, kind.action];
      }),
    ),
  histograms: () =>
    tableOf(
      ["in `/metrics`", "labels", "unit", "what it shows", "what to do about it"],
      Object.entries(HISTOGRAMS).map(([name, kind]) => [
        `\`${metricName(name)}\``,
        "`outcome`, `le`",
        unitOf(kind),
        kind.help,
        kind.action,
      ]),
    ),
};

function outerOf(name: string): string {
  const outer = CONTAINED.filter(({ inner }) => inner === name).map(({ outer }) => `\`${outer}\``);
  return outer.join(", ");
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

/** `table` between its two marks, which must be there. */
export function between(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- end of ${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no place for the table of ${name}`);
  return page.slice(0, from + begin.length) + table + page.slice(to);
}

/** The comment above each key of a table; keys that follow without one share it. */
function commentsOf(path: string): ReadonlyMap<string, string> {
  const source = readFileSync(join(ROOT, path), "utf8");
  const comments = new Map<string, string>();
  let comment = "";
  for (const [, text, key] of source.matchAll(/^ {2}(?:\/\*\*([\s\S]*?)\*\/|(\w+):)/gm)) {
    if (text !== undefined) comment = text.replaceAll(/\s*\n\s*\* ?/g, " ").trim();
    else if (key !== undefined) comments.set(key, comment);
  }
  return comments;
}

function timeText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function valueText(name: string, value: number): string {
  return name.includes("Bytes") ? formatBytes(value) : value.toLocaleString("en");
}

if (import.meta.main) writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8")));
