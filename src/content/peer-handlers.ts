/** What this node does for its peers, by message (spec §3). */

import { parseRelname } from "../base/variant.ts";
import type { PeerHandlers, RecordMessage, ToldAnswer, WarmMessage } from "../mesh/tell.ts";
import { makePeerHandler, type StatusOf } from "./answer-peer.ts";
import type { Parts } from "./parts.ts";
import { takeSave } from "./take-save.ts";
import { warmVariant } from "./warm.ts";

export function makePeerHandlers(parts: Parts, statusOf: StatusOf): PeerHandlers {
  return {
    ask: makePeerHandler(parts, statusOf),
    save: (message) => takeSave(parts, message),
    warm: (message) => warm(parts, message),
    record: (message) => record(parts, message),
    purge: ({ entries, hops, to, since }) => parts.purge({ entries, hops, to, since }),
  };
}

async function warm(parts: Parts, message: WarmMessage): Promise<ToldAnswer> {
  return { note: await warmVariant(parts, message.relname, message.owner) };
}

/** Hits at replicas keep the owner's copy from looking unused. */
async function record(parts: Parts, message: RecordMessage): Promise<ToldAnswer> {
  let known = 0;
  for (const { relname, count } of message.hits) {
    parts.counters.add("replica_hit", count);
    parts.hot.served(message.peer, relname, count);
    const name = parseRelname(relname);
    if (name !== undefined && parts.local.look(name) !== undefined) known++;
  }
  return { note: "recorded", detail: { known } };
}
