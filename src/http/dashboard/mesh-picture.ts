/** The mesh as a picture: levels from the clients down to the origin, servers by state, what flows between them. */

import type { MeshServer } from "../mesh-document.ts";
import { away, bytes, cut, figure } from "./format.ts";
import { type Box, type Layout, type Line, layOut, linesOf, neighbour } from "./mesh-layout.ts";
import { type Child, h, type Spec } from "./render.ts";
import { calmSum, serversOf, type View } from "./view.ts";

export interface PictureOptions {
  readonly view: View;
  /** Of the room there is, in CSS pixels. */
  readonly width: number;
  readonly selected: string | undefined;
  readonly select: (server: string) => void;
}

/** Pixels of a character of a name, about. */
const NAME_CHAR = 7.6;
const LINE_CHAR = 6.4;

export function meshPicture(options: PictureOptions): Spec {
  const { view, width } = options;
  const layout = layOut(view.document, width);
  const servers = new Map(serversOf(view.document).map((server) => [server.name, server]));
  const left = new Map(
    view.document.levels.flatMap(({ origins }) => origins.map((o) => [o.name, o.leftAlone])),
  );
  return h(
    "svg",
    {
      class: "mesh",
      viewBox: `0 0 ${width} ${layout.height}`,
      width,
      height: layout.height,
      role: "group",
      "aria-label": "Servers of the mesh. Arrow keys move, Enter shows one.",
    },
    h(
      "g",
      { class: "flows", "aria-hidden": "true" },
      linesOf(view.document, layout, (name) => view.calm.get(name)).map(flow),
    ),
    layout.titles.map(({ text, y }) => h("text", { class: "title", x: 0, y: y + 12 }, text)),
    clientsBox(options, layout.clients),
    layout.servers.flatMap((box) => {
      const server = servers.get(box.name);
      return server === undefined ? [] : [serverBox(options, layout, { box, server })];
    }),
    layout.origins.map((box) => originBox(box, left.get(box.name) === true)),
  );
}

function clientsBox({ view }: PictureOptions, box: Box): Spec {
  const edge = calmSum(view, view.document.levels[0]?.servers ?? []);
  const asked = ` · ${figure(edge.counters.http_requests ?? 0)}/s`;
  return h(
    "g",
    { class: "clients" },
    h("rect", { ...shapeOf(box), rx: box.height / 2 }),
    h("text", middleOf(box), `clients${asked}`),
  );
}

function originBox(box: Box, leftAlone: boolean): Spec {
  const said = leftAlone ? `${box.name}: left alone` : box.name;
  return h(
    "g",
    { key: `origin ${box.name}`, class: `origin${leftAlone ? " left" : ""}` },
    h("rect", { ...shapeOf(box), rx: 6 }),
    h("text", middleOf(box), cut(said, Math.floor(box.width / LINE_CHAR) - 2)),
  );
}

function serverBox(
  options: PictureOptions,
  layout: Layout,
  { box, server }: { readonly box: Box; readonly server: MeshServer },
): Spec {
  const { selected, select, view } = options;
  const { name, state, status } = server;
  const rates = view.calm.get(name);
  const first = selected ?? layout.servers[0]?.name;
  const word = wordOf(server);
  const doing = rates === undefined ? "" : `${figure(busyness(rates.counters))} req/s`;
  const used =
    status === undefined ? 0 : status.cache.bytes / Math.max(1, status.cache.capacityBytes);
  const chars = Math.floor((box.width - 34) / NAME_CHAR);
  const inner = box.width - 20;
  return h(
    "g",
    {
      key: `server ${name}`,
      class: `server ${state}`,
      transform: `translate(${box.x} ${box.y})`,
      role: "button",
      tabindex: name === first ? 0 : -1,
      "aria-pressed": name === selected ? "true" : "false",
      "aria-label": [name, word, doing].filter((text) => text !== "").join(", "),
      "data-server": name,
      onclick: () => select(name),
      onkeydown: (event) => steer(event, layout, box, select),
    },
    h("title", {}, `${name}: ${word}`),
    h("rect", { class: "card", width: box.width, height: box.height, rx: 8 }),
    h("rect", { class: "edge", width: 4, height: box.height - 16, x: 0, y: 8, rx: 2 }),
    h("path", { class: "mark", d: markOf(state), transform: "translate(18 19)" }),
    h("text", { class: "name", x: 30, y: 23 }, cut(name, chars)),
    h("text", { class: "state", x: 12, y: 41 }, cut(word, Math.floor(inner / LINE_CHAR))),
    h("text", { class: "doing", x: box.width - 10, y: 41 }, box.width > 132 ? doing : ""),
    h("rect", { class: "room", x: 12, y: 52, width: inner, height: 4, rx: 2 }),
    h("rect", { class: "fill", x: 12, y: 52, width: Math.min(1, used) * inner, height: 4, rx: 2 }),
  );
}

/** What it answers: clients, and at levels below the nodes above. */
function busyness(counters: {
  readonly http_requests: number;
  readonly peer_request: number;
}): number {
  return counters.http_requests + counters.peer_request;
}

/** Never by colour alone. */
function wordOf({ state, draining, status, rttMs }: MeshServer): string {
  if (state !== "up") return state;
  if (status?.draining === true) return "stopping";
  if (draining) return "up, draining";
  return rttMs === null ? "up" : `up · ${away(rttMs)}`;
}

/** A disc, a triangle, a cross, a ring. */
function markOf(state: MeshServer["state"]): string {
  if (state === "up") return "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z";
  if (state === "suspect") return "M0 -6L6 5H-6Z";
  if (state === "down") return "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z";
  return "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0ZM-3 0a3 3 0 1 1 6 0a3 3 0 1 1 -6 0Z";
}

const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const;

function steer(
  event: Event,
  { servers }: Layout,
  box: Box,
  select: (server: string) => void,
): void {
  if (!(event instanceof KeyboardEvent)) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    select(box.name);
    return;
  }
  const way = ARROWS.find((arrow) => arrow === event.key);
  if (way === undefined) return;
  event.preventDefault();
  const { name } = neighbour(servers, box, way);
  for (const element of document.querySelectorAll<SVGElement>("svg.mesh [data-server]")) {
    if (element.dataset["server"] === name) element.focus();
  }
}

function flow({ key, from, to, perSecond, bytesPerSecond }: Line): Spec {
  const said = bytesPerSecond === undefined ? "" : `, ${bytes(bytesPerSecond)}/s`;
  // a byte and a gigabyte both leave a line
  const weight = Math.log10(10 + (bytesPerSecond ?? perSecond * 50_000));
  const width = Math.min(9, Math.max(1.2, (weight - 2) * 1.35));
  const shape: Child = h("title", {}, `${from.name} → ${to.name}: ${figure(perSecond)}/s${said}`);
  return h(
    "path",
    { key, class: "flow", d: curve(from, to), "stroke-width": width.toFixed(1) },
    shape,
  );
}

/** From the top of what gives to the bottom of what gets; in one row a bow below. */
function curve(from: Box, to: Box): string {
  const [a, b] = [from.x + from.width / 2, to.x + to.width / 2];
  if (from.row === to.row) {
    const y = from.y + from.height;
    const side = a < b ? 12 : -12;
    const deep = y + 16 + Math.min(22, Math.abs(a - b) / 16);
    return `M${a + side} ${y}C${a + side} ${deep} ${b - side} ${deep} ${b - side} ${y}`;
  }
  const up = from.row > to.row;
  const [start, end] = up ? [from.y, to.y + to.height] : [from.y + from.height, to.y];
  const half = (start + end) / 2;
  return `M${a} ${start}C${a} ${half} ${b} ${half} ${b} ${end}`;
}

function shapeOf({ x, y, width, height }: Box): Readonly<Record<string, number>> {
  return { x, y, width, height };
}

function middleOf({ x, y, width, height }: Box): Readonly<Record<string, string | number>> {
  return { x: x + width / 2, y: y + height / 2 + 4.5, "text-anchor": "middle" };
}
