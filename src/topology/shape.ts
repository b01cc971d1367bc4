/** The schema as a plain tree, for what valibot does not tell: unknown keys, near names. */

import type { Path } from "./mistakes.ts";
import { topologySchema } from "./schema.ts";

/** `fallback` is what an optional key that is not there stands for; undefined where that is nothing fixed. */
export type Shape = (
  | { readonly kind: "table"; readonly entries: ReadonlyMap<string, Shape> }
  /** A table whose key `by` says which keys it has. */
  | { readonly kind: "choice"; readonly by: string; readonly options: ReadonlyMap<string, Shape> }
  | { readonly kind: "list"; readonly item: Shape }
  | { readonly kind: "value"; readonly expected: string; readonly options: readonly string[] }
) & { readonly optional?: true; readonly fallback?: unknown };

export const topologyShape: Shape = shapeOf(topologySchema);

/** Dotted keys of every value, without list positions: `levels.servers.public.port`. Each once. */
export function schemaKeys(shape: Shape = topologyShape, above = ""): readonly string[] {
  if (shape.kind === "value") return [above];
  if (shape.kind === "list") return schemaKeys(shape.item, above);
  const keys = [...entriesOf(shape)].flatMap(([name, below]) =>
    schemaKeys(below, above === "" ? name : `${above}.${name}`),
  );
  return [...new Set(keys)];
}

/** What may stand under a table: of a choice, the keys of all its options. */
export function entriesOf(shape: Shape): ReadonlyMap<string, Shape> {
  if (shape.kind === "table") return shape.entries;
  if (shape.kind === "choice")
    return new Map([...shape.options.values()].flatMap((s) => [...entriesOf(s)]));
  return new Map();
}

/** The shape at a path of a file, or undefined where the schema has nothing. */
export function shapeAt(path: Path): Shape | undefined {
  let shape: Shape | undefined = topologyShape;
  for (const step of path) {
    if (shape === undefined) return undefined;
    if (typeof step === "number") shape = shape.kind === "list" ? shape.item : undefined;
    else shape = entriesOf(shape).get(step);
  }
  return shape;
}

/** What a mistake says is expected where `shape` should be. */
export function expectedText(shape: Shape): string {
  if (shape.kind === "list")
    return `a list of ${shape.item.kind === "value" ? "values" : "tables"}`;
  return shape.kind === "value" ? shape.expected : "a table";
}

function shapeOf(schema: unknown): Shape {
  const kind = field(schema, "type");
  if (kind === "optional") {
    const fallback = field(schema, "default");
    return { ...shapeOf(field(schema, "wrapped")), optional: true, fallback };
  }
  if (kind === "array") return { kind: "list", item: shapeOf(field(schema, "item")) };
  if (kind === "object") return { kind: "table", entries: shapesOf(field(schema, "entries")) };
  if (kind === "variant") return choiceOf(schema);
  if (kind === "literal") {
    const literal = String(field(schema, "literal"));
    return { kind: "value", expected: JSON.stringify(literal), options: [literal] };
  }
  const options = field(schema, "options");
  return {
    kind: "value",
    expected: String(field(schema, "message")),
    options: Array.isArray(options) ? options.map(String) : [],
  };
}

/** The key that chooses is itself a value with the names of the options. */
function choiceOf(schema: unknown): Shape {
  const by = String(field(schema, "key"));
  const tables = field(schema, "options");
  const shapes = Array.isArray(tables) ? tables.map(shapeOf) : [];
  const named = shapes.map((shape) => [optionName(shape, by), shape] as const);
  const options = named.map(([name]) => name);
  const chooser: Shape = { kind: "value", expected: String(field(schema, "message")), options };
  const withChooser = named.map(([name, shape]) => {
    const entries = new Map([...entriesOf(shape), [by, chooser] as const]);
    return [name, { kind: "table", entries } satisfies Shape] as const;
  });
  return { kind: "choice", by, options: new Map(withChooser) };
}

function optionName(shape: Shape, by: string): string {
  const chooser = entriesOf(shape).get(by);
  return chooser?.kind === "value" ? (chooser.options[0] ?? "") : "";
}

function shapesOf(entries: unknown): ReadonlyMap<string, Shape> {
  if (typeof entries !== "object" || entries === null) return new Map();
  return new Map(Object.entries(entries).map(([name, schema]) => [name, shapeOf(schema)]));
}

function field(schema: unknown, name: string): unknown {
  if (typeof schema !== "object" || schema === null) return undefined;
  return Object.entries(schema).find(([key]) => key === name)?.[1];
}
