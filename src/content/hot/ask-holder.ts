/** Asks one of those that have a copy instead of the owner, where that one is less loaded (spec §7). */

import { DEADLINES } from "../../base/deadlines.ts";
import { relnameOf, type Variant } from "../../base/variant.ts";
import { spanOf } from "../../observe/trace.ts";
import type { Context } from "../context.ts";
import type { Parts } from "../parts.ts";
import { type Answered, current, requestOf, takeTiming } from "../upstream.ts";
import { groupOf } from "./group.ts";

export function knowsHolder({ hot }: Parts, wanted: Variant): boolean {
  return hot.known.has(relnameOf(wanted));
}

/**
 * undefined when it is the owner's turn, or the one that was asked had nothing to give: then the owner is asked, as if
 * nobody else had been. Asked as `local`, nobody does any work for it or asks others (spec §4).
 */
export async function askHolder(
  parts: Parts,
  context: Context,
  wanted: Variant,
): Promise<Answered | undefined> {
  const { hot, health, ownership, self, links, counters } = parts;
  const [owner] = ownership.topRanks(self.level, self.region, wanted.id);
  if (owner === undefined) return undefined;
  const group = groupOf(parts);
  const relname = relnameOf(wanted);
  const peer = hot.known.choose(relname, {
    owner,
    may: (name) => group.has(name) && name !== self.name && health.takes(name, wanted.id),
    weight: (name) => group.get(name)?.weight ?? 1,
  });
  if (peer === undefined || peer === owner) return undefined;
  counters.add("replica_ask");
  try {
    const asked = requestOf(parts, context, { wanted });
    const deadlineMs = Math.min(asked.deadlineMs, DEADLINES.replicaAnswerMs);
    const request = { ...asked, role: "local", deadlineMs } as const;
    const reply = await spanOf(context.tracing, "peer", () => links.ask(peer, request));
    takeTiming(context, peer, reply);
    return { kind: "peer", peer, reply: current(parts, { peer, wanted, reply }) };
  } catch {
    counters.add("replica_ask_missed");
    hot.known.missed(relname);
    return undefined;
  }
}
