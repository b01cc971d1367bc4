/** Shows a new picture to those of its level who would find it below only a while later. */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault } from "../base/fault.ts";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import { groupsOf } from "../topology/groups.ts";
import type { Parts } from "./parts.ts";
import { candidatesFor, type Question } from "./upstream.ts";

export interface Picture {
  readonly meta: VariantMeta;
  readonly path: string;
}

/**
 * Gives copies for the caches of those who may be asked for the picture and do not have it: the owners in the
 * other regions, and an owner that was passed over although it is not down, since others may see it up. They
 * vouch for nothing. Who cannot be reached, or takes long, finds it when it has arrived below.
 */
export async function spread(
  parts: Parts,
  picture: Picture,
  /** Who has it and vouches for it. */
  keeper: string,
): Promise<void> {
  const { topology, self } = parts;
  const wanted = parseRelname(picture.meta.relname);
  const level = topology.levels[self.level];
  if (wanted === undefined || level === undefined) return;
  const asked = groupsOf(level).flatMap(({ region, servers }) => {
    const ranks = parts.ownership.topRanks(level.index, region, wanted.id);
    const isOwn = servers.some(({ name }) => name === self.name);
    return isOwn ? ownerOf(parts, ranks) : firstOf(parts, { wanted }, ranks);
  });
  const others = new Set(asked.filter((peer) => peer !== self.name && peer !== keeper));
  await Promise.all([...others].map((peer) => showTo(parts, peer, picture)));
}

/** None when it is down: those who ask pass it over too. */
function ownerOf({ health }: Parts, [owner]: readonly string[]): string[] {
  return owner === undefined || health.state(owner) === "down" ? [] : [owner];
}

/** Whom this node would ask, and the owner. */
function firstOf(parts: Parts, question: Question, ranks: readonly string[]): string[] {
  const [first] = candidatesFor(parts, question, ranks);
  return [...(first === undefined ? [] : [first.peer]), ...ownerOf(parts, ranks)];
}

/** For the peer's cache; never throws. */
async function showTo(parts: Parts, peer: string, { meta, path }: Picture): Promise<void> {
  try {
    // an upload is its own source
    const fresh = { ...meta, sourceAt: parts.clock.wallSeconds() };
    const message = { kind: "rebalance", meta: fresh, path } as const;
    await parts.links.tell(peer, message, { deadlineMs: DEADLINES.uploadSpreadMs });
  } catch (error) {
    const { relname } = meta;
    parts.log.warn("upload.not_shown", { peer, relname, fault: asFault(error) });
  }
}
