/** What this node has on disk of a content id, and what it knows of the picture. */

import { TurnoverMap } from "../base/turnover-map.ts";
import {
  type Facts,
  namesInSizes,
  ORIG,
  originalNames,
  relnameOf,
  type Variant,
  type VariantMeta,
} from "../base/variant.ts";
import type { Cache } from "../cache/cache.ts";
import type { Purged } from "../cache/purged.ts";
import { canonicalSize } from "../image/fit.ts";
import { sizeNames, type Topology } from "../topology/topology.ts";

/** Content ids whose facts one worker remembers: 100 bytes each. */
const FACTS_MAX = 50_000;

export interface Local {
  /** The variant if it is on disk, counted as an access. For `orig` whatever ext it has. */
  look(wanted: Variant): VariantMeta | undefined;
  /** The same, counting nothing. */
  peek(wanted: Variant): VariantMeta | undefined;
  /** Facts of the picture if any variant on disk, or an earlier answer, tells them. */
  facts(id: string): Facts | undefined;
  /**
   * Facts change with a purge only: else an id stands for the same bytes for ever (spec §2 upload, 409). Those
   * from before a purge are not remembered; `sourceAt` as in VariantMeta.
   */
  remember(id: string, facts: Facts, sourceAt: number | undefined): void;
  /** Until they are learnt again. */
  forget(id: string): void;
  /** The name the wanted variant is kept under, as far as the facts are known. */
  canonical(wanted: Variant): Variant;
  /** Every variant the id can have. */
  namesOf(id: string): readonly Variant[];
  /** Every variant of the id on disk that `may` be of use, which is asked first; accesses are not counted. */
  variants(
    id: string,
    may?: (size: string, ext: string) => boolean,
  ): readonly { readonly variant: Variant; readonly meta: VariantMeta }[];
}

export function makeLocal(options: {
  readonly cache: Cache;
  readonly purged: Purged;
  readonly topology: Topology;
}): Local {
  const { cache, purged, topology } = options;
  /** With the stamp they were learnt under: after a purge they say nothing. */
  const known = new TurnoverMap<string, { readonly facts: Facts; readonly stamp: number }>();

  const keep = (id: string, facts: Facts): void => {
    if (known.size >= FACTS_MAX) known.deleteFirst();
    known.set(id, { facts, stamp: purged.stamp(id) });
  };

  /** Of any id. */
  const all = namesInSizes(sizeNames(topology));

  const namesOf = (id: string): Variant[] => all.map((name) => ({ id, ...name }));

  const variants: Local["variants"] = (id, may) => {
    const found: { variant: Variant; meta: VariantMeta }[] = [];
    for (const { size, ext } of cache.namesHere(id)) {
      if (may?.(size, ext) === false) continue;
      const variant = { id, size, ext };
      const meta = cache.peek(relnameOf(variant));
      if (meta !== undefined) found.push({ variant, meta });
    }
    return found;
  };

  const facts = (id: string): Facts | undefined => {
    const remembered = known.get(id);
    if (remembered?.stamp === purged.stamp(id)) return remembered.facts;
    const found = variants(id).find((v) => v.meta.facts.width > 0)?.meta.facts;
    if (found !== undefined) keep(id, found);
    return found;
  };

  return {
    remember(id, found, sourceAt) {
      if (found.width > 0 && purged.accepts(id, sourceAt)) keep(id, found);
    },
    namesOf,
    forget: (id) => known.delete(id),
    variants,
    facts,
    canonical(wanted) {
      const of = wanted.size === ORIG ? undefined : facts(wanted.id);
      if (of === undefined) return wanted;
      return { ...wanted, size: canonicalSize(topology, wanted.size, of) };
    },
    look: (wanted) => firstFound(wanted, (relname) => cache.look(relname)),
    peek: (wanted) => firstFound(wanted, (relname) => cache.peek(relname)),
  };
}

function firstFound(wanted: Variant, look: Cache["look"]): VariantMeta | undefined {
  if (wanted.size !== ORIG) return look(relnameOf(wanted));
  for (const relname of originalNames(wanted.id, wanted.ext)) {
    const meta = look(relname);
    if (meta !== undefined) return meta;
  }
  return undefined;
}
