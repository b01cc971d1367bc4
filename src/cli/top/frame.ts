/** A frame of `mir top` as lines: the tree with bars and curves, the selected server, the hottest ids, what is wrong. */

import type { MeshDocument } from "../../http/mesh-document.ts";
import { type ServerRow, warningsOf } from "../mesh-rows.ts";
import { headline, type Look, treeLines } from "../status-report.ts";
import { hotLines, hottestOf } from "./hottest.ts";
import { serverLines } from "./server-lines.ts";
import type { TopState } from "./state.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Columns of the tree, beside the longest name. */
const TREE_COLUMNS = 91;
const CURVE_LEAST = 8;
const CURVE_MOST = 60;
const HELP = [
  "q, Ctrl-C        quit",
  "up, down, k, j   select a server",
  "g, G             the first, the last",
  "?                this, and back",
  "",
  "req/s: requests of clients and of other nodes, over the last ten seconds",
  "hit: part of the variants looked for that were in the cache",
  "cache: used of the capacity, yellow from 50 %, red from 80 %",
  "queue: image jobs that somebody waits for; outbox: uploads on their way",
];

/** Exactly as many lines as there are rows, where the terminal is not too small for it. */
export function topFrame(state: TopState, size: Size, look: Look): readonly string[] {
  const foot = look.tint("quiet", "q quit  up/down select  ? help");
  const body = bodyOf(state, { ...size, rows: size.rows - 1 }, look);
  const room = Math.max(0, size.rows - 1);
  const shown = body.slice(0, room);
  return [...shown, ...Array.from({ length: room - shown.length }, () => ""), foot];
}

/** All of it, however long: for `--once`. */
export function wholeFrame(state: TopState, columns: number, look: Look): readonly string[] {
  return bodyOf(state, { columns, rows: Number.POSITIVE_INFINITY }, look);
}

function bodyOf(state: TopState, size: Size, look: Look): readonly string[] {
  const { mesh, trouble } = state;
  if (state.help) return [look.tint("strong", "mir top"), "", ...HELP];
  if (mesh === undefined) return [trouble ?? "waiting for the first word of the node …"];
  const alarm = trouble === undefined ? [] : [look.tint("bad", `! ${trouble}`)];
  const top = [headline(mesh, look), ...alarm, "", ...treeOf(mesh, state, size.columns, look)];
  const warnings = warningsOf(mesh).map((text) => `${look.tint("warn", "!")} ${text}`);
  const lower = [
    ...(warnings.length > 0 ? ["", ...warnings] : []),
    ...spaced(serverLines(mesh, state, look)),
  ];
  const left = size.rows - top.length - lower.length - 2;
  const hot = hottestOf(mesh).slice(0, Math.max(0, left));
  return [
    ...scrolled(top, lower, state, size.rows),
    ...lower,
    ...spaced(hotLines(hot, size, look)),
  ];
}

function spaced(lines: readonly string[]): readonly string[] {
  return lines.length > 0 ? ["", ...lines] : [];
}

/** With a curve where there is room for one beside the figures. */
function treeOf(
  mesh: MeshDocument,
  state: TopState,
  columns: number,
  look: Look,
): readonly string[] {
  const names = mesh.levels.flatMap(({ servers }) => servers.map(({ name }) => name.length));
  const room = columns - TREE_COLUMNS - Math.max(4, ...names);
  const curveOf = ({ name, uptimeSeconds }: ServerRow): string => {
    if (room < CURVE_LEAST || uptimeSeconds === undefined) return "";
    const curve = look.glyphs.curve(state.curves.get(name) ?? [], Math.min(room, CURVE_MOST));
    return `  ${look.tint("good", curve)}`;
  };
  return treeLines(mesh, look, { selected: state.selected, more: curveOf });
}

/** A tree that has no room keeps its headline, and the lines around the selected server. */
function scrolled(
  top: readonly string[],
  lower: readonly string[],
  { mesh, selected }: TopState,
  rows: number,
): readonly string[] {
  const room = Math.max(3, rows - lower.length);
  if (top.length <= room) return top;
  const [first = "", ...rest] = top;
  const at = lineOf(mesh, selected) + (rest.length - treeLength(mesh));
  const from = Math.min(Math.max(0, at - Math.floor(room / 2)), rest.length - (room - 1));
  return [first, ...rest.slice(from, from + room - 1)];
}

function treeLength(mesh: MeshDocument | undefined): number {
  const lines = mesh?.levels.map(({ servers, origins }) => 1 + servers.length + origins.length);
  return (lines ?? []).reduce((sum, count) => sum + count, 0);
}

/** Of a server, in the tree. */
function lineOf(mesh: MeshDocument | undefined, name: string | undefined): number {
  let line = 0;
  for (const { servers, origins } of mesh?.levels ?? []) {
    const at = servers.findIndex((server) => server.name === name);
    if (at >= 0) return line + 1 + at;
    line += 1 + servers.length + origins.length;
  }
  return 0;
}
