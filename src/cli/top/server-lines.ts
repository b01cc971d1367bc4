/** The selected server in a few lines: where its answers came from, how long they took, memory, disks, peers. */

import { formatBytes } from "../../base/bytes.ts";
import type { MeshDocument } from "../../http/mesh-document.ts";
import { percentile } from "../../http/mesh-rates.ts";
import type { StatusDocument } from "../../http/status-document.ts";
import type { Look } from "../status-report.ts";
import { toneOfShare } from "../tint.ts";
import { formatCount, formatMs } from "../words.ts";
import type { TopState } from "./state.ts";

const BAR_WIDTH = 16;

export function serverLines(
  mesh: MeshDocument,
  { selected, rates }: TopState,
  look: Look,
): readonly string[] {
  const server = mesh.levels.flatMap(({ servers }) => servers).find((s) => s.name === selected);
  if (server?.status === undefined) return [];
  const { status, rttMs } = server;
  const known = rates?.get(server.name)?.rates;
  const far = rttMs === null ? "" : `  ${formatMs(rttMs)} from ${server.seenBy ?? "?"}`;
  const title = `${look.tint("strong", server.name)}  ${status.version}${far}`;
  const outcomes = Object.entries(known?.outcomes ?? {})
    .filter(([, rate]) => rate > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([outcome, rate]) => `${outcome} ${formatCount(rate)}/s`);
  const took = [0.5, 0.9, 0.99].map((share) => {
    const seconds = known && percentile(known.latency, share);
    return `p${share * 100} ${seconds === undefined ? "–" : longest(seconds)}`;
  });
  return [
    title,
    `  answers  ${outcomes.length > 0 ? outcomes.join("  ") : "none just now"}`,
    `  took     ${took.join("  ")}`,
    `  memory   ${memory(status)}`,
    ...diskLines(status, look),
    ...moving(status),
  ];
}

function longest(seconds: number): string {
  return seconds === Number.POSITIVE_INFINITY ? "very long" : formatMs(seconds * 1000);
}

function memory({ ram, residentBytes, images }: StatusDocument): string {
  const held = `answers ${formatBytes(ram.bytes)} of ${formatBytes(ram.roomBytes)}`;
  const work = `image workers ${images.busy} of ${images.workers} busy, ${images.later} for later`;
  return `${formatBytes(residentBytes)}, ${held}; ${work}`;
}

function diskLines({ cache: { disks } }: StatusDocument, { tint, glyphs }: Look): string[] {
  return disks.map(({ dir, state, bytes, capacityBytes, variants }, i) => {
    const share = capacityBytes > 0 ? bytes / capacityBytes : 0;
    const bar = tint(toneOfShare(share), glyphs.bar(share, BAR_WIDTH));
    const used = `${formatBytes(bytes)} of ${formatBytes(capacityBytes)}`;
    const ill = state === "well" ? "" : tint("bad", ` ${state}`);
    return `  ${i === 0 ? "disks  " : "       "}  ${bar} ${used}, ${variants} variants  ${dir}${ill}`;
  });
}

function moving({ rebalance, outbox }: StatusDocument): string[] {
  const parts = [
    ...(rebalance.left > 0 ? [`${rebalance.left} variants to move to their owners`] : []),
    ...(outbox.pending > 0 ? [`${outbox.pending} uploads on their way`] : []),
  ];
  return parts.length > 0 ? [`  work     ${parts.join(", ")}`] : [];
}
