/** What web ids resolve to, remembered: known path, known not to exist, or not in here (spec §5). */

import type { Clock } from "../base/clock.ts";
import { DEADLINES } from "../base/deadlines.ts";
import { LIMITS } from "../base/limits.ts";
import type { Resolution } from "./resolution.ts";

export interface PathCache {
  /** Only what is still fresh: anything else has to be asked for. */
  look(webId: string): Resolution | undefined;
  /** All that is remembered, however old; neither counted nor kept any longer for it. */
  peek(webId: string): Remembered | undefined;
  /** One more access at a server that does not own what it leads to; how many there were (spec §7). */
  accessed(webId: string): number;
  /** A known path however old: right until the site says otherwise, so better than an error. */
  lookStale(webId: string): Resolution | undefined;
  /** Fresh for `pathFreshMs`, or `negativeWebIdMs` when it does not exist; `freshMs` says otherwise. */
  keep(webId: string, resolution: Resolution, freshMs?: number): void;
  forget(webId: string): void;
  /** Every web id that leads to one of these content ids; looks at all that is remembered. */
  forgetIds(ids: ReadonlySet<string>): void;
  /** Web ids remembered; at most `max`. */
  readonly size: number;
}

export interface Remembered {
  readonly resolution: Resolution;
  /** Milliseconds until it is asked for again; 0 or less: it is stale. */
  readonly freshMs: number;
  readonly accesses: number;
}

interface Kept {
  readonly resolution: Resolution;
  readonly freshUntil: number;
  accesses: number;
}

/**
 * Two generations: new and used again since the last turn, and older. A look into the young one moves nothing, so
 * that a hit is one Map lookup; when the young one has half of `max`, it becomes the old one, whose rest is dropped.
 * Nothing of the last `max / 2` web ids looked at is ever dropped. May be out of date by its lifetimes.
 */
export function makePathCache(clock: Clock, max: number = LIMITS.pathCacheMax): PathCache {
  const youngMax = Math.max(1, Math.floor(max / 2));
  let young = new Map<string, Kept>();
  let old = new Map<string, Kept>();

  const put = (webId: string, kept: Kept): void => {
    old.delete(webId);
    if (young.size >= youngMax && !young.has(webId)) {
      old = young;
      young = new Map();
    }
    young.set(webId, kept);
  };

  const find = (webId: string): Kept | undefined => {
    const found = young.get(webId);
    if (found !== undefined) return found;
    const older = old.get(webId);
    if (older !== undefined) put(webId, older);
    return older;
  };

  return {
    look(webId) {
      const found = find(webId);
      return found !== undefined && clock.monotonicMs() < found.freshUntil
        ? found.resolution
        : undefined;
    },
    peek(webId) {
      const kept = young.get(webId) ?? old.get(webId);
      if (kept === undefined) return undefined;
      const { resolution, freshUntil, accesses } = kept;
      return { resolution, freshMs: freshUntil - clock.monotonicMs(), accesses };
    },
    accessed(webId) {
      const found = find(webId);
      return found === undefined ? 0 : ++found.accesses;
    },
    lookStale(webId) {
      const found = find(webId)?.resolution;
      return found?.kind === "known" ? found : undefined;
    },
    keep(webId, resolution, freshMs = lifeOf(resolution)) {
      const accesses = find(webId)?.accesses ?? 0;
      put(webId, { resolution, freshUntil: clock.monotonicMs() + freshMs, accesses });
    },
    forget(webId) {
      young.delete(webId);
      old.delete(webId);
    },
    forgetIds(ids) {
      for (const kept of [young, old]) {
        for (const [webId, { resolution }] of kept) {
          if (resolution.kind === "known" && ids.has(resolution.id)) kept.delete(webId);
        }
      }
    },
    get size() {
      return young.size + old.size;
    },
  };
}

function lifeOf(resolution: Resolution): number {
  return resolution.kind === "known" ? DEADLINES.pathFreshMs : DEADLINES.negativeWebIdMs;
}
