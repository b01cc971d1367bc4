/** Deletes originals in the store, at a node that can open it (`mir purge --origin`). */

import * as v from "valibot";
import { DEADLINES } from "../base/deadlines.ts";
import { asFault, Fault } from "../base/fault.ts";
import type { Parts } from "./parts.ts";

export interface OriginReport {
  /** The node that did it; undefined when none could. */
  readonly server: string | undefined;
  /** By id, the names in the store that were removed; 0 where there was none. */
  readonly removed: readonly Removed[];
  /** Why none could. */
  readonly fault: string | undefined;
}

export interface Removed {
  readonly id: string;
  readonly names: number;
}

const removedSchema = v.object({
  removed: v.array(v.object({ id: v.string(), names: v.number() })),
});

/** The second time something may have come to the store that was on its way the first time. */
export function bothRemoved(first: OriginReport, second: OriginReport): OriginReport {
  if (second.fault !== undefined) return { ...second, removed: first.removed };
  const names = new Map(first.removed.map((one) => [one.id, one.names]));
  const removed = second.removed.map((one) => ({
    id: one.id,
    names: one.names + (names.get(one.id) ?? 0),
  }));
  return { ...second, removed };
}

/** On this node. Throws Faults; some may be gone by then. */
export async function removeAtOrigin(
  { origin }: Pick<Parts, "origin">,
  ids: readonly string[],
): Promise<Removed[]> {
  if (origin === undefined) throw new Fault("not_found", "this mesh has no origin");
  const deadlineMs = DEADLINES.originHeadMs;
  return Promise.all(
    ids.map(async (id) => ({ id, names: await origin.remove(id, { deadlineMs }) })),
  );
}

/** By a node of the level above the store, whichever is the first that can. Never throws. */
export async function removeOriginals(
  parts: Pick<Parts, "self" | "topology" | "links" | "origin" | "clock" | "log">,
  ids: readonly string[],
): Promise<OriginReport> {
  const { self, topology, log } = parts;
  const lowest = topology.levels.findLast(({ servers }) => servers.length > 0);
  const names = (lowest?.servers ?? []).map(({ name }) => name);
  const order = names.includes(self.name)
    ? [self.name, ...names.filter((name) => name !== self.name)]
    : [...names, self.name];
  let fault = "this mesh has no origin";
  for (const server of parts.origin === undefined ? [] : order) {
    try {
      const removed = await removeBy(parts, server, ids);
      return { server, removed, fault: undefined };
    } catch (error) {
      fault = asFault(error).message;
      log.warn("originals could not be removed", { server, fault: asFault(error) });
    }
  }
  return { server: undefined, removed: [], fault };
}

async function removeBy(
  parts: Pick<Parts, "self" | "links" | "origin" | "clock">,
  server: string,
  ids: readonly string[],
): Promise<readonly Removed[]> {
  if (server === parts.self.name) return removeAtOrigin(parts, ids);
  const purgedAt = parts.clock.wallSeconds();
  const entries = ids.map((id) => ({ id, purgedAt, action: "origin" as const }));
  const told = await parts.links.tell(
    server,
    { kind: "purge", entries, hops: 0 },
    { deadlineMs: DEADLINES.originHeadMs + DEADLINES.purgeTellMs },
  );
  const parsed = v.safeParse(removedSchema, told.detail);
  if (!parsed.success) throw new Fault("bad_frame", "an answer of another version");
  return parsed.output.removed;
}
