/** Where everything stands in the picture of a mesh, for a given width. */

import type { MeshDocument } from "../mesh-document.ts";
import type { Rates } from "../mesh-rates.ts";

export interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Row of boxes, counted from the top; a level may take several. */
  readonly row: number;
}

export interface Layout {
  readonly height: number;
  readonly clients: Box;
  readonly servers: readonly Box[];
  readonly origins: readonly Box[];
  /** What each level is called, and where that is written. */
  readonly titles: readonly { readonly text: string; readonly y: number }[];
}

/** What went from one box to another, towards the clients. */
export interface Line {
  readonly key: string;
  readonly from: Box;
  readonly to: Box;
  readonly perSecond: number;
  readonly bytesPerSecond: number | undefined;
}

const GAP = 14;
const GAP_MOST = 56;
const TITLE = 22;
/** Room between two rows of boxes, for the lines. */
const LANE = 44;
const BOX = { least: 96, most: 220, height: 66 } as const;
const SMALL = { width: 170, height: 34 } as const;
/** Lines drawn at most: of a large mesh those with most traffic. */
const LINES_MAX = 120;

export function layOut({ levels }: MeshDocument, width: number): Layout {
  const titles: { text: string; y: number }[] = [];
  const servers: Box[] = [];
  const origins: Box[] = [];
  const [clients = emptyBox()] = rowOf(["clients"], { width, y: 4, height: SMALL.height, row: 0 });
  let y = clients.y + clients.height + LANE;
  let row = 1;
  for (const level of levels) {
    const names = level.servers.map(({ name }) => name);
    if (names.length > 0)
      titles.push({ text: level.level === 0 ? "Edge" : `Level ${level.level}`, y });
    for (const some of rowsOf(names, width)) {
      const boxWidth = boxWidthFor(some.length, width);
      servers.push(
        ...rowOf(some, { width, y: y + TITLE, boxWidth, height: BOX.height, row: row++ }),
      );
      y += BOX.height + GAP;
    }
    if (names.length > 0) y += TITLE + LANE - GAP;
    const stores = level.origins.map(({ name }) => name);
    if (stores.length === 0) continue;
    titles.push({ text: stores.length === 1 ? "Origin" : "Origins", y });
    for (const some of rowsOf(stores, width)) {
      const boxWidth = boxWidthFor(some.length, width);
      origins.push(
        ...rowOf(some, { width, y: y + TITLE, boxWidth, height: SMALL.height, row: row++ }),
      );
      y += SMALL.height + GAP;
    }
    y += TITLE + LANE - GAP;
  }
  return { height: y - LANE + GAP, clients, servers, origins, titles };
}

/** What flows, most bytes last so that it is drawn on top. */
export function linesOf(
  document: MeshDocument,
  layout: Layout,
  ratesOf: (server: string) => Rates | undefined,
): readonly Line[] {
  const boxes = new Map(layout.servers.map((box) => [box.name, box]));
  const lowest = document.levels.findLast(({ servers }) => servers.length > 0);
  const lines: Line[] = [];
  for (const [name, to] of boxes) {
    const now = ratesOf(name);
    if (now === undefined) continue;
    const { http_requests: asked, http_bytes: sent, origin_get: got } = now.counters;
    const add = (from: Box, onto: Box, perSecond: number, bytesPerSecond?: number): void => {
      if (perSecond <= 0) return;
      lines.push({ key: `${from.name}>${onto.name}`, from, to: onto, perSecond, bytesPerSecond });
    };
    add(to, layout.clients, asked, sent);
    for (const { from, answersPerSecond, bytesPerSecond } of now.flows) {
      const source = boxes.get(from);
      if (source !== undefined) add(source, to, answersPerSecond, bytesPerSecond);
    }
    const [store] = layout.origins;
    const asks = lowest?.servers.some((server) => server.name === name) === true || got > 0;
    if (store !== undefined && asks) add(store, to, got);
  }
  const weight = ({ bytesPerSecond = 0, perSecond }: Line): number => bytesPerSecond + perSecond;
  return lines.sort((a, b) => weight(a) - weight(b)).slice(-LINES_MAX);
}

/** Up or down one row, or along it; the box itself where there is none that way. */
export function neighbour(
  boxes: readonly Box[],
  from: Box,
  way: "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight",
): Box {
  const sideways = way === "ArrowLeft" || way === "ArrowRight";
  const ahead = way === "ArrowRight" || way === "ArrowDown" ? 1 : -1;
  if (sideways) return boxes[boxes.indexOf(from) + ahead] ?? from;
  const middle = from.x + from.width / 2;
  const away = (box: Box): number => Math.abs(box.x + box.width / 2 - middle);
  const next = boxes.filter(({ row }) => row === from.row + ahead);
  return next.toSorted((a, b) => away(a) - away(b))[0] ?? from;
}

function boxWidthFor(count: number, width: number): number {
  return Math.min(BOX.most, (width - GAP * (count - 1)) / count);
}

/** As few rows as there may be, with about as many boxes in each. */
function rowsOf(names: readonly string[], width: number): readonly (readonly string[])[] {
  const perRowMax = Math.max(1, Math.floor((width + GAP) / (BOX.least + GAP)));
  const rows = Math.ceil(names.length / perRowMax);
  const perRow = Math.ceil(names.length / Math.max(1, rows));
  return Array.from({ length: rows }, (_, i) => names.slice(i * perRow, (i + 1) * perRow));
}

function rowOf(
  names: readonly string[],
  at: {
    readonly width: number;
    readonly y: number;
    readonly height: number;
    readonly row: number;
    readonly boxWidth?: number;
  },
): readonly Box[] {
  const { width, y, height, row, boxWidth = SMALL.width } = at;
  const spare = (width - names.length * boxWidth) / (names.length + 1);
  const gap = Math.max(GAP, Math.min(GAP_MOST, spare));
  const left = (width - names.length * boxWidth - (names.length - 1) * gap) / 2;
  return names.map((name, i) => ({
    ...{ name, y, height, row, width: boxWidth },
    x: left + i * (boxWidth + gap),
  }));
}

function emptyBox(): Box {
  return { name: "", x: 0, y: 0, width: 0, height: 0, row: 0 };
}
