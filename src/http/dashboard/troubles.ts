/** What of a mesh is out of order, in words. */

import type { MeshDocument, MeshServer } from "../mesh-document.ts";
import type { StatusDocument } from "../status-document.ts";
import { plural } from "./format.ts";
import { serversOf } from "./view.ts";

export interface Trouble {
  readonly grave: boolean;
  readonly text: string;
}

/** The grave ones first. Without figures that move, so that what reads it aloud has peace. */
export function troublesOf(document: MeshDocument): readonly Trouble[] {
  const servers = serversOf(document);
  const classes = servers.find(({ name }) => name === document.server)?.status?.classes;
  const found = [
    ...servers.flatMap((s) => ofServer(s, { epoch: document.epoch, classes })),
    ...ofOrigins(document),
  ];
  return found.sort((a, b) => Number(b.grave) - Number(a.grave));
}

function ofServer(
  server: MeshServer,
  { epoch, classes }: Pick<StatusDocument, "epoch" | "classes">,
): readonly Trouble[] {
  const { name, state, seenBy, status, statusReason } = server;
  const says = seenBy === null ? "" : `, says ${seenBy}`;
  if (state === "down") return [{ grave: true, text: `${name} is down${says}` }];
  if (state === "suspect") return [{ grave: true, text: `${name} is suspect${says}` }];
  if (status === undefined)
    return [{ grave: false, text: `${name}: ${statusReason ?? "unknown"}` }];
  const found: Trouble[] = [];
  const add = (grave: boolean, text: string): void =>
    void found.push({ grave, text: `${name}: ${text}` });
  if (status.epoch !== epoch) add(true, `has another topology (${status.epoch})`);
  if (status.classes !== undefined && classes !== undefined && status.classes !== classes) {
    add(true, "has other sizes: one is to be restarted");
  }
  if (status.draining) add(false, "is shutting down");
  for (const { dir, state: disk } of status.cache.disks) {
    if (disk !== "well") add(true, `disk ${dir} is ${disk}`);
  }
  const restarting = status.workers.filter((worker) => worker.state !== "serving").length;
  if (restarting > 0) add(true, `${plural(restarting, "worker")} being started again`);
  if (status.outbox.aside > 0) add(true, `${plural(status.outbox.aside, "upload")} set aside`);
  if (status.rebalance.state === "moving") add(false, "moves content to its owners");
  return found;
}

function ofOrigins({ levels }: MeshDocument): readonly Trouble[] {
  return levels
    .flatMap(({ origins }) => origins)
    .filter(({ leftAlone }) => leftAlone)
    .map(({ name }) => ({ grave: true, text: `${name} is left alone for now: it keeps failing` }));
}
