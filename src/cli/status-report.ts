/** A mesh as a tree with a line a server: for `mir status`, and the upper part of `mir top`. */

import { formatBytes } from "../base/bytes.ts";
import type { MeshDocument, MeshOrigin } from "../http/mesh-document.ts";
import type { Glyphs } from "./glyphs.ts";
import { rowsOf, type ServerRow, totalsOf, warningsOf } from "./mesh-rows.ts";
import { type Tint, type Tone, toneOfShare } from "./tint.ts";
import { formatCount, formatShare, formatSpan } from "./words.ts";

export interface Look {
  readonly tint: Tint;
  readonly glyphs: Glyphs;
}

const BAR_WIDTH = 8;

export function statusLines(mesh: MeshDocument, look: Look): readonly string[] {
  const warnings = warningsOf(mesh);
  return [
    headline(mesh, look),
    "",
    ...treeLines(mesh, look),
    ...(warnings.length > 0 ? [""] : []),
    ...warnings.map((text) => `${look.tint("warn", "!")} ${text}`),
  ];
}

export function headline(mesh: MeshDocument, { tint }: Look): string {
  const { servers, up, requestsPerSecond, bytesOutPerSecond } = totalsOf(mesh);
  const upText = `${up} of ${servers} up`;
  return [
    tint("strong", mesh.name),
    tint(up === servers ? "good" : "bad", upText),
    `${formatCount(requestsPerSecond)} requests/s`,
    `${formatBytes(bytesOutPerSecond)}/s out`,
    tint("quiet", `seen from ${mesh.server}`),
  ].join("  ");
}

/** `more` stands behind the line of a server. */
export function treeLines(
  mesh: MeshDocument,
  look: Look,
  { selected, more = () => "" }: Marks = {},
): readonly string[] {
  const rows = rowsOf(mesh);
  const names = [...rows, ...mesh.levels.flatMap(({ origins }) => origins)];
  const width = Math.max(4, ...names.map(({ name }) => name.length));
  return mesh.levels.flatMap(({ level, origins }) => {
    const own = rows.filter((row) => row.level === level);
    const lines = [
      ...own.map((row) => ({ row, text: serverLine(row, look, width) })),
      ...origins.map((origin) => ({ row: undefined, text: originLine(origin, look, width) })),
    ];
    return [
      heading(level, own.length > 0, { look, width }),
      ...lines.map(({ row, text }, i) => {
        const branch = i === lines.length - 1 ? look.glyphs.lastBranch : look.glyphs.branch;
        const pointer = row !== undefined && row.name === selected ? look.tint("strong", ">") : " ";
        return `${look.tint("quiet", branch)}${pointer}${text}${row === undefined ? "" : more(row)}`;
      }),
    ];
  });
}

interface Marks {
  readonly selected?: string | undefined;
  readonly more?: (row: ServerRow) => string;
}

const COLUMNS: readonly [head: string, width: number][] = [
  ["state", 8],
  ["up", 6],
  ["req/s", 7],
  ["hit", 6],
  ["out", 10],
  ["cache", BAR_WIDTH + 6],
  ["", 9],
  ["queue", 6],
  ["outbox", 7],
];

function heading(
  level: number,
  hasServers: boolean,
  { look, width }: { readonly look: Look; readonly width: number },
): string {
  const title = `level ${level}`.padEnd(width + 5);
  if (!hasServers) return look.tint("strong", title.trimEnd());
  const heads = COLUMNS.map(([head, columns], i) =>
    i === 0 || head === "cache" ? head.padEnd(columns) : head.padStart(columns),
  );
  return look.tint("strong", title) + look.tint("quiet", heads.join(" "));
}

const TONES: Readonly<Record<ServerRow["state"], Tone>> = {
  up: "good",
  suspect: "warn",
  down: "bad",
  unknown: "quiet",
};

function serverLine(row: ServerRow, { tint, glyphs }: Look, width: number): string {
  const { name, state, draining, reason } = row;
  const tone = TONES[state];
  const start = `${tint(tone, glyphs.dot)} ${name.padEnd(width)} `;
  const stateText = draining && state === "up" ? "draining" : state;
  const stateCell = tint(draining ? "warn" : tone, stateText.padEnd(8));
  if (row.uptimeSeconds === undefined) return `${start}${stateCell} ${tint("quiet", reason ?? "")}`;
  const share = row.cacheShare ?? 0;
  const cells = [
    stateCell,
    formatSpan(row.uptimeSeconds).padStart(6),
    (row.requestsPerSecond === undefined ? "–" : formatCount(row.requestsPerSecond)).padStart(7),
    formatShare(row.hitRatio).padStart(6),
    `${formatBytes(row.bytesOutPerSecond ?? 0)}/s`.padStart(10),
    `${tint(toneOfShare(share), glyphs.bar(share, BAR_WIDTH))} ${formatShare(share).padStart(5)}`,
    formatBytes(row.cacheBytes ?? 0).padStart(9),
    counted(row.queued).padStart(6),
    counted(row.outbox).padStart(7),
  ];
  return `${start}${cells.join(" ")}`;
}

function counted(count: number | undefined): string {
  return count === undefined ? "–" : formatCount(count);
}

function originLine({ name, kind, leftAlone }: MeshOrigin, look: Look, width: number): string {
  const state = leftAlone ? look.tint("bad", "left alone") : look.tint("quiet", "origin");
  const dot = look.tint(leftAlone ? "bad" : "good", look.glyphs.dot);
  return `${dot} ${name.padEnd(width)} ${state} ${look.tint("quiet", kind)}`;
}
