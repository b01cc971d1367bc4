/** Checks each value against the schema on its own: its key, its type, its range. */

import * as v from "valibot";
import { LIMITS } from "../base/limits.ts";
import { dottedKey, type Findings, type Path, show } from "./mistakes.ts";
import { nearestName } from "./nearest.ts";
import { type Table, textOf } from "./raw.ts";
import { type TopologyFile, topologySchema } from "./schema.ts";
import {
  entriesOf,
  expectedText,
  type Shape,
  schemaKeys,
  shapeAt,
  topologyShape,
} from "./shape.ts";
import { isTable } from "./values.ts";

const SECRET = /secret|password|token|credential|access_?key|(?:control|upload|private)_?key/i;

const KNOWN = schemaKeys().map((key) => key.split("."));

/** Tells every mistake to `findings`; the result is undefined when there was one. */
export function checkValues(file: Table, findings: Findings): TopologyFile | undefined {
  if (tellLongLists(file, [], findings)) return undefined;
  const told = new Set<string>();
  const meant: (() => void)[] = [];
  const copy = structuredClone(file);
  checkShape({ value: copy, shape: topologyShape, path: [], findings, told, meant });
  for (const mend of meant) mend();
  const result = v.safeParse(topologySchema, meant.length > 0 ? copy : file);
  for (const issue of result.issues ?? []) tellIssue(issue, findings, told);
  return result.success && told.size === 0 ? result.output : undefined;
}

/** Whether a list is so long that looking into it would take minutes for nothing. */
function tellLongLists(value: unknown, path: Path, findings: Findings): boolean {
  if (Array.isArray(value) && value.length > LIMITS.topologyListMax) {
    const expected = `at most ${LIMITS.topologyListMax}`;
    findings.mistake(path, { found: `a list of ${value.length} entries`, expected });
    return true;
  }
  if (Array.isArray(value)) {
    return value.some((item: unknown, i) => tellLongLists(item, [...path, i], findings));
  }
  if (!isTable(value)) return false;
  return Object.entries(value).some(([key, item]) => tellLongLists(item, [...path, key], findings));
}

interface Visit {
  readonly value: unknown;
  readonly shape: Shape;
  readonly path: Path;
  readonly findings: Findings;
  /** Keys with a mistake: what the schema says of them or of what is below is not told again. */
  readonly told: Set<string>;
  /** Set the key that chooses where it is only misspelt, so that what stands beside it is looked at too. */
  readonly meant: (() => void)[];
}

/** Tables where tables belong, lists where lists belong, and no key that is not in the schema. */
function checkShape(visit: Visit): void {
  const { value, shape, path } = visit;
  if (shape.kind === "value") return;
  if (shape.kind === "list" && Array.isArray(value)) {
    value.forEach((item: unknown, i) => {
      checkShape({ ...visit, value: item, shape: shape.item, path: [...path, i] });
    });
  } else if (shape.kind !== "list" && isTable(value)) {
    const entries = entriesOf(chosen(shape, value));
    if (shape.kind === "choice") guessChoice(visit, shape, value);
    for (const [key, item] of Object.entries(value)) {
      const below = entries.get(key);
      if (below === undefined) tellUnknownKey(visit, key, entries);
      else checkShape({ ...visit, value: item, shape: below, path: [...path, key] });
    }
  } else {
    tellWrongType(visit);
  }
}

function chosen(shape: Shape, table: Table): Shape {
  if (shape.kind !== "choice") return shape;
  return shape.options.get(textOf(table, shape.by) ?? "") ?? shape;
}

function guessChoice(
  { meant }: Visit,
  { by, options }: Extract<Shape, { kind: "choice" }>,
  table: Table,
): void {
  if (Object.hasOwn(table, by)) return;
  const key = Object.keys(table).find((one) => nearestName(one, [by]) === by);
  const choice = key === undefined ? undefined : textOf(table, key);
  if (choice === undefined || !options.has(choice)) return;
  meant.push(() => Object.assign(table, { [by]: choice }));
}

function tellWrongType({ value, shape, path, findings, told }: Visit): void {
  told.add(dottedKey(path));
  findings.mistake(path, { found: show(value), expected: expectedText(shape) });
}

function tellUnknownKey(visit: Visit, key: string, entries: ReadonlyMap<string, Shape>): void {
  const path = [...visit.path, key];
  visit.told.add(dottedKey(path));
  const nearest = nearestName(key, entries.keys()) ?? elsewhere(key);
  if (nearest === undefined && SECRET.test(key)) {
    visit.findings.mistake(path, {
      found: "an unknown key",
      expected: "secrets in the environment or in the file of --secrets, never here",
      at: "key",
    });
    return;
  }
  const expected =
    nearest === undefined ? `one of ${[...entries.keys()].join(", ")}` : "a known key";
  visit.findings.mistake(path, { found: "an unknown key", expected, nearest, at: "key" });
}

/** A key that is right, but not here. */
function elsewhere(key: string): string | undefined {
  const steps = KNOWN.find((known) => known.includes(key));
  return steps?.slice(0, steps.indexOf(key) + 1).join(".");
}

function tellIssue(issue: v.BaseIssue<unknown>, findings: Findings, told: Set<string>): void {
  const path = pathOf(issue);
  if (path.some((_, i) => told.has(dottedKey(path.slice(0, i + 1))))) return;
  told.add(dottedKey(path));
  const shape = shapeAt(path);
  const missing = issue.type === "object" && issue.input === undefined;
  const options = shape?.kind === "value" ? shape.options : [];
  findings.mistake(path, {
    found: show(issue.input),
    expected: missing && shape !== undefined ? expectedText(shape) : issue.message,
    nearest: typeof issue.input === "string" ? nearestName(issue.input, options) : undefined,
  });
}

function pathOf(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).flatMap(({ key }) =>
    typeof key === "string" || typeof key === "number" ? [key] : [],
  );
}
