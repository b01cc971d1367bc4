/** Shows a new picture to the other regions of its level, which would find it below only a while later. */

import { DEADLINES } from "../base/deadlines.ts";
import { asFault } from "../base/fault.ts";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import { groupsOf } from "../topology/groups.ts";
import type { Parts } from "./parts.ts";
import { candidatesFor } from "./upstream.ts";

export interface Picture {
  readonly meta: VariantMeta;
  readonly path: string;
}

/**
 * Gives the owner in each other group a copy for its cache; it vouches for nothing. A region that cannot be
 * reached, or takes long, finds the picture when it has arrived below: the upload is not held up for it.
 */
export async function spreadToRegions(parts: Parts, picture: Picture): Promise<void> {
  const { topology, self } = parts;
  const level = topology.levels[self.level];
  const groups = level === undefined ? [] : groupsOf(level);
  const others = groups.filter(({ servers }) => !servers.some(({ name }) => name === self.name));
  await Promise.all(others.map(({ region }) => showToRegion(parts, region, picture)));
}

async function showToRegion(
  parts: Parts,
  region: string | undefined,
  picture: Picture,
): Promise<void> {
  const wanted = parseRelname(picture.meta.relname);
  if (wanted === undefined) return;
  const ranks = parts.ownership.topRanks(parts.self.level, region, wanted.id);
  const [owner] = candidatesFor(parts, { wanted }, ranks);
  if (owner !== undefined) await showTo(parts, owner.peer, picture);
}

/** For the peer's cache; never throws. */
export async function showTo(parts: Parts, peer: string, { meta, path }: Picture): Promise<void> {
  try {
    const message = { kind: "rebalance", meta, path } as const;
    await parts.links.tell(peer, message, { deadlineMs: DEADLINES.uploadSpreadMs });
  } catch (error) {
    const { relname } = meta;
    parts.log.warn("upload.not_shown", { peer, relname, fault: asFault(error) });
  }
}
