/** What answering a server of the level means for hot content: an access, and word of copies and of the load here. */

import { parseRelname } from "../../base/variant.ts";
import type { AskFromPeer, PeerAnswer } from "../../mesh/peer.ts";
import type { Parts } from "../parts.ts";
import type { Served } from "../served.ts";
import { groupOf } from "./group.ts";

/** Nothing for those of other levels: they are no part of the demand that copies here could share. */
export function tellHeat(
  parts: Parts,
  request: AskFromPeer,
  { meta, outcome }: Served,
): Pick<PeerAnswer, "held" | "load"> {
  const { hot, ownership, self, recorder } = parts;
  const { peer, role, legacy } = request;
  if (legacy || !groupOf(parts).has(peer)) return {};
  // it was asked for another variant, which is being made
  if (outcome.source === "stand-in") return { load: hot.load() };
  // the copies that an owner orders must not make it hotter still
  if (request.copy === true) return hot.told(meta.relname, peer);
  hot.asked(meta.relname);
  const id = parseRelname(meta.relname)?.id ?? "";
  const [owner] = ownership.topRanks(self.level, self.region, id);
  // the owner hears of what its copies serve; what it asks for itself it knows
  if (role === "local" && owner !== undefined && owner !== self.name && owner !== peer) {
    recorder.hit(owner, meta.relname);
  }
  return hot.told(meta.relname, peer);
}
