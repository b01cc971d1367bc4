/** What every thread of a node must hear when content came, or went: what it remembers may be wrong now. */

import type { PathCache } from "../resolve/path-cache.ts";
import type { Hot } from "./hot/hot.ts";
import type { Local } from "./local.ts";
import type { Negatives } from "./negatives.ts";

export interface News {
  readonly ids: readonly string[];
  readonly webIds: readonly string[];
  /** The ids were purged: what web ids led to them is asked anew. */
  readonly purged?: boolean;
}

/** Drops what this thread remembers of the ids: refusals, paths, facts (spec §5). */
export function hearNews(
  parts: {
    readonly negatives: Negatives;
    readonly paths: PathCache;
    readonly local: Local;
    readonly hot: Pick<Hot, "forget">;
  },
  { ids, webIds, purged }: News,
): void {
  for (const id of ids) {
    parts.negatives.clearId(id);
    parts.local.forget(id);
  }
  for (const webId of webIds) parts.paths.forget(webId);
  if (purged !== true) return;
  const gone = new Set(ids);
  parts.paths.forgetIds(gone);
  parts.hot.forget(gone);
}
