/** What every thread of a node must hear when content came, or went: what it remembers may be wrong now. */

import type { Parts } from "./parts.ts";

export interface News {
  readonly ids: readonly string[];
  readonly webIds: readonly string[];
}

/** Drops what this thread remembers of the ids: refusals, paths, facts (spec §5). */
export function hearNews(
  parts: Pick<Parts, "negatives" | "paths" | "local">,
  { ids, webIds }: News,
): void {
  for (const id of ids) {
    parts.negatives.clearId(id);
    parts.local.forget(id);
  }
  for (const webId of webIds) parts.paths.forget(webId);
}
