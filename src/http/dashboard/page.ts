/** The dashboard: follows the mesh and draws it once a second. */

import type { MeshDocument } from "../mesh-document.ts";
import { duration, plural } from "./format.ts";
import { type HotPhoto, hotPhotos, hottest, makePictures } from "./hot-photos.ts";
import { meshPicture } from "./mesh-picture.ts";
import { bytesChart, latencyChart, outcomesChart, panel, tiles } from "./panels.ts";
import { type Child, draw, h, type Spec } from "./render.ts";
import { serverDetails, serversTable } from "./servers-table.ts";
import { type Connection, followEvents } from "./stream.ts";
import { type Trouble, troublesOf } from "./troubles.ts";
import { nextView, serversOf, type View } from "./view.ts";

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost, trying again",
  refused: "a token is needed",
};

const TOKEN_KEY = "mir-admin-token";
/** Until the room of the picture is known. */
const WIDTH_AT_FIRST = 640;

let view: View | undefined;
let connection: Connection = "connecting";
let selected: string | undefined;
let width = WIDTH_AT_FIRST;
let photos: readonly HotPhoto[] = [];

/** For this tab only, and gone with it. */
const token = (): string | undefined => sessionStorage.getItem(TOKEN_KEY) ?? undefined;
const pictures = makePictures(token);
const root = document.getElementById("mir") ?? document.body;

const stream = followEvents({
  token,
  onDocument(next: MeshDocument) {
    view = nextView(view, next);
    photos = hottest(view);
    pictures.follow(photos);
    showSoon();
  },
  onState(state) {
    if (state === connection) return;
    connection = state;
    showSoon();
  },
});

new ResizeObserver(() => {
  const box = document.querySelector("[data-mesh]");
  const room = box === null ? width : Math.floor(box.getBoundingClientRect().width);
  if (room === width || room === 0) return;
  width = room;
  show();
}).observe(root);
show();

/** Apart from whoever brings news: what goes wrong while drawing is not its fault. */
function showSoon(): void {
  queueMicrotask(show);
}

function show(): void {
  const troubles = view === undefined ? [] : troublesOf(view.document);
  const grave = troubles.filter((trouble) => trouble.grave).length;
  const name = view?.document.name ?? "mir";
  document.title = [grave > 0 && plural(grave, "trouble"), name, "mir"].filter(Boolean).join(" · ");
  if (connection === "refused") draw(root, [header(), login()]);
  else if (view === undefined) draw(root, [header(), waiting()]);
  else draw(root, [header(), main(view, troubles)]);
}

function header(): Spec {
  const told = view?.document;
  const own = told && serversOf(told).find((server) => server.name === told.server)?.status;
  const facts =
    told === undefined
      ? ""
      : `seen from ${told.server}${own ? `, up ${duration(own.uptimeSeconds)}` : ""}`;
  return h(
    "header",
    { class: "top" },
    h("h1", {}, told?.name ?? "mir"),
    h("p", { class: "quiet" }, facts),
    h("p", { class: `connection ${connection}`, role: "status" }, CONNECTIONS[connection]),
  );
}

function main(shown: View, troubles: readonly Trouble[]): Spec {
  const choose = (server: string): void => {
    selected = selected === server ? undefined : server;
    show();
  };
  const close = (): void => {
    const left = selected;
    selected = undefined;
    show();
    for (const element of document.querySelectorAll<SVGElement>("svg.mesh [data-server]")) {
      if (element.dataset["server"] === left) element.focus();
    }
  };
  const hot = hotPhotos(photos, pictures.addresses);
  return h(
    "main",
    { class: connection === "live" ? "" : "stale" },
    attention(troubles),
    tiles(shown),
    h(
      "div",
      { class: "stage" },
      panel(
        "Mesh",
        h(
          "div",
          { "data-mesh": "" },
          meshPicture({ view: shown, width, selected, select: choose }),
        ),
      ),
      selected === undefined ? hot : serverDetails(shown, selected, close),
    ),
    h("div", { class: "charts" }, outcomesChart(shown), latencyChart(shown), bytesChart(shown)),
    selected !== undefined && hot,
    serversTable(shown, choose),
  );
}

function attention(troubles: readonly Trouble[]): Spec {
  const said: Child =
    troubles.length === 0
      ? h("p", { class: "well" }, "Nothing is out of order.")
      : h(
          "ul",
          {},
          troubles.map(({ grave, text }) =>
            h("li", { key: text, class: grave ? "grave" : "" }, text),
          ),
        );
  return h(
    "section",
    { class: "attention", role: "status", "aria-label": "What is out of order" },
    said,
  );
}

function waiting(): Spec {
  return h("main", {}, h("p", { class: "quiet" }, "Waiting for the node."));
}

function login(): Spec {
  return h(
    "main",
    {},
    h(
      "form",
      {
        class: "panel login",
        onsubmit(event) {
          event.preventDefault();
          const field = document.getElementById("token");
          if (!(field instanceof HTMLInputElement) || field.value === "") return;
          sessionStorage.setItem(TOKEN_KEY, field.value);
          field.value = "";
          connection = "connecting";
          show();
          stream.restart();
        },
      },
      h("h2", {}, "This node wants its admin token"),
      h("label", { for: "token" }, "MIR_ADMIN_TOKEN of the node"),
      h("input", {
        id: "token",
        type: "password",
        autocomplete: "current-password",
        required: true,
      }),
      h("button", { type: "submit" }, "Show the mesh"),
      h(
        "p",
        { class: "quiet" },
        token() === undefined ? "It is kept for this tab only." : "That was not it.",
      ),
    ),
  );
}
