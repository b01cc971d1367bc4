/** Writes the tables of docs/topology.md from the schema and the notes beside it; a test says when that is due. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEY_NOTES } from "../src/topology/key-notes.ts";
import { entriesOf, type Shape, topologyShape } from "../src/topology/shape.ts";
import { between, tableOf } from "./docs.ts";
import { ROOT } from "./setup.ts";

export const TOPOLOGY_PAGE = join(ROOT, "docs", "topology.md");

/** The page with the keys of each table of a topology file between its marks. */
export function withKeys(page: string): string {
  return [...tablesOf(topologyShape, "")].reduce(
    (text, [table, rows]) => between(text, `keys of ${table}`, tableOf(HEAD, rows)),
    page,
  );
}

const HEAD = ["key", "what it holds", "default", "meaning"];

/** Rows by the dotted name of the table they stand in. */
function tablesOf(shape: Shape, name: string): Map<string, (readonly string[])[]> {
  const tables = new Map<string, (readonly string[])[]>();
  for (const [key, below] of entriesOf(shape)) {
    const dotted = name === "" ? key : `${name}.${key}`;
    const table = below.kind === "list" && below.item.kind !== "value" ? below.item : below;
    if (entriesOf(table).size === 0) {
      tables.set(name, [...(tables.get(name) ?? []), rowOf(dotted, below)]);
    } else {
      for (const [inner, rows] of tablesOf(table, dotted)) tables.set(inner, rows);
    }
  }
  return tables;
}

function rowOf(key: string, shape: Shape): readonly string[] {
  const note = KEY_NOTES[key];
  if (note === undefined) throw new Error(`src/topology/key-notes.ts says nothing of ${key}`);
  return [`\`${key}\``, holds(shape), note.fallback ?? fallbackOf(shape), note.meaning];
}

function holds(shape: Shape): string {
  if (shape.kind === "value") return coded(shape.expected);
  return shape.kind === "list" ? `a list, of each ${holds(shape.item)}` : "a table";
}

/** Texts in quotes, as they are written in a file. */
function coded(expected: string): string {
  return expected.replaceAll(/"[^"]*"/g, (text) => `\`${text}\``);
}

function fallbackOf({ optional, fallback }: Shape): string {
  if (optional !== true) return "**required**";
  return fallback === undefined ? "none" : `\`${JSON.stringify(fallback).replaceAll(",", ", ")}\``;
}

if (import.meta.main) writeFileSync(TOPOLOGY_PAGE, withKeys(readFileSync(TOPOLOGY_PAGE, "utf8")));
