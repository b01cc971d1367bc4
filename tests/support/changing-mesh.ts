/** A mesh whose topology file changes while its nodes run, and what its caches hold according to their directories. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import { parseRelname, type Variant } from "../../src/base/variant.ts";
import { makeOwnership } from "../../src/mesh/ownership.ts";
import { readTopology } from "../../src/topology/read.ts";
import type { Topology } from "../../src/topology/topology.ts";
import { variantsBelow } from "./cache-dir.ts";
import { freePort } from "./free-port.ts";
import type { Mesh, Status } from "./mesh.ts";
import { until } from "./until.ts";

type Table = Record<string, unknown>;
interface File {
  readonly levels: { servers: Table[] }[];
  routing?: Table;
}

/** Rewrites the topology file; running nodes do not know of it. */
function changeTopology(mesh: Mesh, change: (file: File) => void): void {
  const file = parse(readFileSync(mesh.topologyFile, "utf8")) as Table & File;
  change(file);
  writeFileSync(mesh.topologyFile, stringify(file));
}

/** A server like the first one of the edge, to be started by that name. */
export function addEdge(mesh: Mesh, name: string): void {
  changeTopology(mesh, ({ levels }) => {
    const servers = levels[0]?.servers;
    const ports = { private: [{ host: "127.0.0.1", port: freePort() }] };
    servers?.push({ ...servers[0], name, cache_dir: join(mesh.dir, name), ...ports });
  });
}

export function setDraining(mesh: Mesh, name: string, draining: boolean): void {
  changeTopology(mesh, ({ levels }) => {
    for (const server of levels.flatMap(({ servers }) => servers)) {
      if (server["name"] === name) server["draining"] = draining;
    }
  });
}

/** What a rebalance may send; takes part in no epoch. */
export function setRate(mesh: Mesh, bytesPerSecond: string): void {
  changeTopology(mesh, (file) => {
    file.routing = { ...file.routing, rebalance_bytes_per_second: bytesPerSecond };
  });
}

/** One after the other, each with the topology file as it is now. */
export async function restart(mesh: Mesh, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mesh.kill(name, "SIGTERM");
    await mesh.start(name);
  }
}

/** They follow the topology file as it is now; it must have another epoch. */
export async function reload(mesh: Mesh, names: readonly string[]): Promise<void> {
  const { epoch } = topologyOf(mesh);
  for (const name of names) mesh.node(name).process.kill("SIGHUP");
  for (const name of names) {
    await until(async () => (await mesh.status(name)).epoch === epoch, `${name} follows`);
  }
}

/** Until each of the nodes has heard of the others. */
export async function seeEachOther(mesh: Mesh, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await until(async () => {
      const { peers } = await mesh.status(name);
      return peers.every((peer) => !names.includes(peer.name) || isUp(peer));
    }, `${name} sees the others`);
  }
}

function isUp({ state, lastSeen }: Status["peers"][number]): boolean {
  return state === "up" && lastSeen !== null;
}

/** The owner of a content id at the edge. */
export function ownerAtEdge(mesh: Mesh): (id: string) => string {
  const ownership = makeOwnership(topologyOf(mesh));
  return (id) => ownership.rank(0, undefined, id)[0] ?? "";
}

function topologyOf(mesh: Mesh): Topology {
  const result = readTopology(readFileSync(mesh.topologyFile, "utf8"), {
    file: mesh.topologyFile,
    baseDir: mesh.dir,
  });
  if (result.kind !== "ok") throw new Error("the topology of the scenario has mistakes");
  return result.topology;
}

/** What lies in the cache directory of a node, whether or not it runs. */
export function heldBy(mesh: Mesh, name: string): Variant[] {
  return variantsBelow(join(mesh.dir, name)).flatMap((relname) => parseRelname(relname) ?? []);
}

/** What lies at an edge that another one owns. */
export function misplaced(
  mesh: Mesh,
  edges: readonly string[],
): { readonly node: string; readonly id: string }[] {
  const ownerOf = ownerAtEdge(mesh);
  return edges.flatMap((node) =>
    heldBy(mesh, node)
      .filter(({ id }) => ownerOf(id) !== node)
      .map(({ id }) => ({ node, id })),
  );
}

/** Until a node has moved everything that is not its own, as it says itself. */
export async function settled(mesh: Mesh, name: string): Promise<Status["rebalance"]> {
  let last: Status["rebalance"] | undefined;
  await until(async () => {
    last = (await mesh.status(name)).rebalance;
    return last.settled && last.state === "idle";
  }, `${name} is settled`);
  if (last === undefined) throw new Error("no status");
  return last;
}

/** A counter over all those nodes. */
export async function sumOf(mesh: Mesh, names: readonly string[], counter: string) {
  const counts = await Promise.all(names.map((name) => mesh.counter(name, counter)));
  return counts.reduce((sum, one) => sum + one, 0);
}
