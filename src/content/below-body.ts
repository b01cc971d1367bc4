/** A body from the level below; when it breaks off, the next one that has it goes on, the origin at last. */

import type { Body } from "../base/body.ts";
import { ORIG, parseRelname } from "../base/variant.ts";
import { bodyFrom } from "./body-from.ts";
import { type Context, failoverContext } from "./context.ts";
import { failoverBody } from "./failover-body.ts";
import { openAtOrigin } from "./original.ts";
import type { Parts } from "./parts.ts";
import { type Answered, askBelow } from "./upstream.ts";

/** The name under which the origin itself is a source of a body. */
const ORIGIN = "origin";

export function belowBody(parts: Parts, context: Context, { peer, reply }: Answered): Body {
  const { meta, body } = reply;
  const wanted = parseRelname(meta.relname);
  if (wanted === undefined) return body;
  return failoverBody(parts, { peer, meta, body }, async (offset, failed) => {
    const again = failoverContext(parts.clock, context);
    const next = await askBelow(parts, again, { wanted, offset, failed });
    if (next !== undefined) return { peer: next.peer, ...next.reply };
    // what is made from an original is made anew for the next request, not in the middle of this one
    if (wanted.size !== ORIG || failed.has(ORIGIN)) return undefined;
    const incoming = await openAtOrigin(parts, again, wanted.id);
    const rest = bodyFrom(incoming.meta, { kind: "body", body: incoming.body }, offset);
    return { peer: ORIGIN, meta: incoming.meta, body: rest };
  });
}
