/** All servers as a table, and one of them with all its figures. */

import type { MeshServer } from "../mesh-document.ts";
import { hitRatio, percentile } from "../mesh-rates.ts";
import { away, bytes, duration, figure, percent, plural, seconds } from "./format.ts";
import { panel } from "./panels.ts";
import { type Child, h, type Spec } from "./render.ts";
import { latencyOf, serversOf, type View } from "./view.ts";

const COLUMNS = [
  "Server",
  "State",
  "Answers",
  "Hits",
  "Sent",
  "Cache",
  "Memory",
  "Images",
  "Outbox",
];

export function serversTable(view: View, select: (server: string) => void): Spec {
  return panel(
    "Servers",
    h(
      "table",
      { class: "servers" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          COLUMNS.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        serversOf(view.document).map((server) => row(view, server, select)),
      ),
    ),
  );
}

function row(view: View, server: MeshServer, select: (server: string) => void): Spec {
  const { name, state, status } = server;
  const rates = view.calm.get(name);
  const cells: readonly Child[] =
    status === undefined
      ? [h("td", { class: "reason", colspan: COLUMNS.length - 2 }, server.statusReason ?? "")]
      : [
          cell(
            "Answers",
            rates && `${figure(rates.counters.http_requests + rates.counters.peer_request)}/s`,
          ),
          cell("Hits", percent(rates && hitRatio(rates.counters))),
          cell("Sent", rates && `${bytes(rates.counters.http_bytes)}/s`),
          cell("Cache", bar(status.cache.bytes, status.cache.capacityBytes)),
          cell("Memory", bar(status.ram.bytes, status.ram.roomBytes)),
          cell(
            "Images",
            `${status.images.busy}/${status.images.workers}, ${status.images.queued} wait`,
          ),
          cell("Outbox", `${status.outbox.pending}`),
        ];
  return h(
    "tr",
    { key: name },
    h("th", { scope: "row" }, h("button", { type: "button", onclick: () => select(name) }, name)),
    h("td", { "data-label": "State" }, h("span", { class: `chip ${state}` }, state)),
    cells,
  );
}

function cell(label: string, content: Child | undefined): Spec {
  return h("td", { "data-label": label }, content ?? "–");
}

function bar(used: number, room: number): Spec {
  const part = room === 0 ? 0 : Math.min(1, used / room);
  const said = room === 0 ? "none" : `${bytes(used)} of ${bytes(room)}`;
  return h(
    "span",
    { class: "bar" },
    h(
      "svg",
      { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      h("rect", { class: "room", width: 100, height: 6 }),
      h("rect", { class: "fill", width: part * 100, height: 6 }),
    ),
    h("span", {}, said),
  );
}

/** Everything one server tells. */
export function serverDetails(view: View, name: string, close: () => void): Spec {
  const server = serversOf(view.document).find((s) => s.name === name);
  const closing = h("button", { type: "button", class: "close", onclick: close }, "Close");
  if (server === undefined) return h("section", { class: "panel details" }, closing);
  return h(
    "section",
    { class: "panel details", "aria-label": `Server ${name}` },
    h(
      "header",
      {},
      h("h2", {}, name),
      h("span", { class: `chip ${server.state}` }, server.state),
      closing,
    ),
    h(
      "dl",
      { class: "facts" },
      factsOf(view, server).flatMap(([what, said]) => [h("dt", {}, what), h("dd", {}, said)]),
    ),
    peersTable(view, server),
  );
}

type Fact = readonly [what: string, said: Child];

function factsOf(view: View, server: MeshServer): readonly Fact[] {
  const { status, seenBy, region, rttMs, statusReason } = server;
  const seen: Fact[] = [
    ["Seen by", `${seenBy ?? "nobody"}${rttMs === null ? "" : `, ${away(rttMs)} away`}`],
    ...(region === null ? [] : [["Region", region] as const]),
  ];
  if (status === undefined) return [...seen, ["Figures", statusReason ?? "none"]];
  const rates = view.calm.get(server.name);
  const latency = latencyOf(view, server.name);
  const most = latency.boundsSeconds.at(-1) ?? 0;
  const took = (share: number): string => seconds(percentile(latency, share), most);
  const { cache, images, workers, counters, hot } = status;
  return [
    ...seen,
    ["Version", `${status.version}, up ${duration(status.uptimeSeconds)}`],
    ["Topology", status.epoch],
    [
      "Workers",
      `${workers.filter((w) => w.state === "serving").length} of ${workers.length} serve, ${plural(counters.worker_restart, "restart")}`,
    ],
    [
      "Clients",
      rates
        ? `${figure(rates.counters.http_requests)}/s, ${bytes(rates.counters.http_bytes)}/s`
        : "–",
    ],
    ["Nodes", rates ? `${figure(rates.counters.peer_request)}/s asked by others` : "–"],
    ["Latency", `p50 ${took(0.5)}, p90 ${took(0.9)}, p99 ${took(0.99)}, p99.9 ${took(0.999)}`],
    ["Cache", bar(cache.bytes, cache.capacityBytes)],
    ["", `${figure(cache.variants)} variants; ${bytes(cache.limitBytes)} allowed now`],
    ["Memory", bar(status.ram.bytes, status.ram.roomBytes)],
    ["", `process: ${bytes(status.residentBytes)}`],
    ...cache.disks.map(({ dir, state }): Fact => ["Disk", `${dir}: ${state}`]),
    [
      "Images",
      `${images.busy} of ${images.workers} busy, ${images.queued} waiting, ${images.later} for later; ${plural(counters.image_worker_restart, "restart")}`,
    ],
    ["Outbox", `${status.outbox.pending} on their way, ${status.outbox.aside} set aside`],
    [
      "Hot",
      `${plural(hot.tracked, "id")} tracked, ${plural(hot.copies, "copy", "copies")} elsewhere, ${plural(hot.replicas.count, "replica")} here`,
    ],
    ["Rebalance", `${status.rebalance.state}, ${plural(status.rebalance.left, "variant")} left`],
    ...status.origins
      .filter((o) => o.leftAlone)
      .map((o): Fact => ["Origin", `${o.origin}: ${o.what} left alone`]),
  ];
}

function peersTable(view: View, { name, status }: MeshServer): Spec | undefined {
  if (status === undefined || status.peers.length === 0) return undefined;
  const flows = new Map(view.calm.get(name)?.flows.map((flow) => [flow.from, flow]));
  return h(
    "table",
    { class: "peers" },
    h("caption", {}, "Its peers, and what it has from them"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Peer", "State", "Answers", "Bytes"].map((text) => h("th", { scope: "col" }, text)),
      ),
    ),
    h(
      "tbody",
      {},
      status.peers.map(({ name: peer, state, rttMs }) => {
        const flow = flows.get(peer);
        return h(
          "tr",
          { key: peer },
          h("th", { scope: "row" }, peer),
          h("td", {}, `${state}${rttMs === null ? "" : `, ${away(rttMs)}`}`),
          h("td", {}, flow ? `${figure(flow.answersPerSecond)}/s` : "–"),
          h("td", {}, flow ? `${bytes(flow.bytesPerSecond)}/s` : "–"),
        );
      }),
    ),
  );
}
