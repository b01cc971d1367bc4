/** Hits that are in doubt after a crash: their files are read before anybody hears of them. */

import { LIMITS } from "../base/limits.ts";
import type { VariantMeta } from "../base/variant.ts";
import { finished, finishedInTurns } from "./file-digest.ts";
import { inspect } from "./inspect.ts";
import { HEADER } from "./layout.ts";
import { foundDoubtful, lookUp } from "./look.ts";
import type { Store } from "./store.ts";
import { word } from "./view.ts";

/** What `lookUp` has just found, unless it is in doubt and not what it should be. */
export function proven(store: Store, meta: VariantMeta | undefined): VariantMeta | undefined {
  if (meta === undefined || !foundDoubtful(store.view)) return meta;
  return finished(inspect(store, meta.relname)) === "sound" ? meta : undefined;
}

/** As `Cache.settle`. */
export function settle(store: Store, relname: string): Promise<void> | undefined {
  const { view } = store;
  if (word(view, HEADER.doubtful) === 0) return undefined;
  const meta = lookUp(view, relname, false);
  if (meta === undefined || !foundDoubtful(view)) return undefined;
  if (meta.bytes <= LIMITS.doubtAtOnceBytes) return undefined;
  return finishedInTurns(inspect(store, relname)).then(() => undefined);
}
