/** What a peer's answer must be like to be the answer to the request. */

import { Fault, isFaultCode, refusedBy } from "../base/fault.ts";
import { parseRelname, type VariantMeta } from "../base/variant.ts";
import { type Ask, type ErrorMessage, metaOf, type SaveHeader } from "../wire/messages.ts";

/**
 * The variant that an answer carries. Its size or format may be another one than asked for (a class that
 * would not shrink the picture), its id may not. Throws a Fault `bad_frame`.
 */
export function acceptAnswer(header: SaveHeader, bodyBytes: number, ask: Ask): VariantMeta {
  const meta = metaOf(header, bodyBytes);
  const same = meta.relname === ask.relname;
  if (!same && parseRelname(meta.relname)?.id !== parseRelname(ask.relname)?.id) {
    throw new Fault("bad_frame", "save: an answer to another question");
  }
  if (header.standIn === true && ask.standIn !== true) {
    throw new Fault("bad_frame", "save: another variant where only the right one will do");
  }
  const wholeOrHead = header.head === true ? 0 : (ask.offset ?? 0);
  if ((header.offset ?? 0) !== wholeOrHead) {
    throw new Fault("bad_frame", "save: an answer from another offset");
  }
  return meta;
}

/** The Fault that a peer's `~` stands for; a code that is unknown here becomes `peer_failed`. */
export function refusalOf({ code, retryAfterMs }: ErrorMessage, peer: string): Fault {
  const known = isFaultCode(code) ? code : "peer_failed";
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return refusedBy(known, { told: `the node ${peer} answered ${code}`, ...retry });
}
