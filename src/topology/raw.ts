/** A file not yet known to be good: what has the right type is there, the rest is absent. */

import type { Path } from "./mistakes.ts";
import { isTable } from "./values.ts";

export type Table = Readonly<Record<string, unknown>>;

export interface RawServer {
  readonly path: Path;
  readonly level: number;
  readonly table: Table;
  readonly name: string | undefined;
  /** It stands for a store and is not run as a process (spec §1). */
  readonly origin: boolean;
  readonly publics: readonly RawTable[];
  readonly privates: readonly RawTable[];
}

export interface RawTable {
  readonly path: Path;
  readonly table: Table;
}

export interface RawLevel extends RawTable {
  readonly servers: readonly RawServer[];
}

export function rawLevels(file: Table): readonly RawLevel[] {
  return tablesOf(file["levels"], ["levels"]).map(({ table, path }, level) => ({
    table,
    path,
    servers: tablesOf(table["servers"], [...path, "servers"]).map((s) => rawServer(s, level)),
  }));
}

export function tablesOf(list: unknown, path: Path): readonly RawTable[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((table: unknown, i) =>
    isTable(table) ? [{ table, path: [...path, i] }] : [],
  );
}

export function tableOf(table: Table, key: string): Table {
  const value = table[key];
  return isTable(value) ? value : {};
}

export function textOf(table: Table, key: string): string | undefined {
  const value = table[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Those of a list that are texts; an entry of another type has been told already. */
export function textsOf(table: Table, key: string): readonly string[] {
  const list = table[key];
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown) => (typeof one === "string" ? [one] : []));
}

export function numberOf(table: Table, key: string): number | undefined {
  const value = table[key];
  return typeof value === "number" ? value : undefined;
}

function rawServer({ table, path }: RawTable, level: number): RawServer {
  return {
    path,
    level,
    table,
    name: textOf(table, "name"),
    origin: table["is_s3_origin"] === true || table["origin_dir"] !== undefined,
    publics: tablesOf(table["public"], [...path, "public"]),
    privates: tablesOf(table["private"], [...path, "private"]),
  };
}
