/** Tells every other node of an order to purge: directly, or through a node that can reach it. */

import * as v from "valibot";
import { DEADLINES } from "../base/deadlines.ts";
import { eachOf } from "../base/each-of.ts";
import { asFault, Fault, type FaultCode } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { PurgeEntry, Told } from "../mesh/tell.ts";
import type { Server } from "../topology/topology.ts";
import type { Dropped } from "./drop-id.ts";
import type { Parts } from "./parts.ts";

export interface NodeReport {
  readonly server: string;
  readonly level: number;
  /** What it had, by id; undefined when it could not be told. */
  readonly had: readonly Dropped[] | undefined;
  /** The node that passed the order on. */
  readonly through: string | undefined;
  /** Why it could not be told: it will ask what it missed. */
  readonly fault: FaultCode | undefined;
}

/** Nodes that are asked to pass an order on to one that cannot be told directly. */
const RELAYS_MAX = 2;

const hadSchema = v.object({
  ids: v.array(
    v.object({
      id: v.string(),
      variants: v.number(),
      bytes: v.number(),
      uploads: v.exactOptional(v.number()),
    }),
  ),
});

type Reach = Pick<Parts, "self" | "topology" | "links" | "clock" | "log">;

/** Every server of every level but this one, in file order; at most `purgeReachMs`, a little more for the last. */
export async function reachAll(
  parts: Reach,
  entries: readonly PurgeEntry[],
): Promise<readonly NodeReport[]> {
  const { self, topology, clock } = parts;
  const endAt = clock.monotonicMs() + DEADLINES.purgeReachMs;
  const servers = topology.levels
    .flatMap((level) => level.servers)
    .filter(({ name }) => name !== self.name);
  const reports = new Map<string, NodeReport>();
  await eachOf(servers, LIMITS.purgeTellsMax, async (server) => {
    reports.set(server.name, await tellDirectly(parts, { server, entries, endAt }));
  });
  const reached = servers.filter(({ name }) => reports.get(name)?.had !== undefined);
  const missed = servers.filter(({ name }) => reports.get(name)?.had === undefined);
  await eachOf(missed, LIMITS.purgeTellsMax, async (server) => {
    for (const relay of relaysFor(server, reached)) {
      const report = await tellThrough(parts, { server, relay: relay.name, entries, endAt });
      if (report.had === undefined) continue;
      reports.set(server.name, report);
      return;
    }
  });
  return servers.flatMap(({ name }) => reports.get(name) ?? []);
}

interface Telling {
  readonly server: Server;
  readonly entries: readonly PurgeEntry[];
  /** Nobody is told after this. */
  readonly endAt: number;
}

function tellDirectly(parts: Reach, telling: Telling): Promise<NodeReport> {
  const { server, entries } = telling;
  return reported(parts, telling, undefined, () =>
    parts.links.tell(
      server.name,
      { kind: "purge", entries, hops: 0 },
      { deadlineMs: DEADLINES.purgeTellMs },
    ),
  );
}

function tellThrough(
  parts: Reach,
  telling: Telling & { readonly relay: string },
): Promise<NodeReport> {
  const { server, relay, entries } = telling;
  return reported(parts, telling, relay, () =>
    parts.links.tell(
      relay,
      { kind: "purge", entries, hops: 0, to: server.name },
      { deadlineMs: DEADLINES.purgeRelayMs },
    ),
  );
}

async function reported(
  { clock, log }: Reach,
  { server, endAt }: Telling,
  through: string | undefined,
  tell: () => Promise<Told>,
): Promise<NodeReport> {
  const { name, level } = server;
  try {
    if (clock.monotonicMs() > endAt) throw new Fault("too_slow", "no time was left to tell it");
    const told = await tell();
    const parsed = v.safeParse(hadSchema, told.detail);
    if (!parsed.success) throw new Fault("bad_frame", "an answer of another version");
    return { server: name, level, had: parsed.output.ids, through, fault: undefined };
  } catch (error) {
    const fault = asFault(error);
    log.warn("a node could not be told of a purge", { server: name, through, fault });
    return { server: name, level, had: undefined, through, fault: fault.code };
  }
}

/** Of its own level first: they are most likely to reach it. */
function relaysFor(server: Server, reached: readonly Server[]): readonly Server[] {
  const distance = (other: Server): number => Math.abs(other.level - server.level);
  return reached.toSorted((a, b) => distance(a) - distance(b)).slice(0, RELAYS_MAX);
}
