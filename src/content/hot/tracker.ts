/** The hot-item tracker of a node: decaying scores of the ids that are asked for most, and of their variants (spec §7). */

import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";
import { decayed, FLASH_HALF_LIFE_MS, rateOf } from "./heat.ts";

/** Scores are those of the moment `atMs`. */
export interface HotItem {
  readonly id: string;
  /** When it was first asked for, of the time that it has been tracked. */
  readonly sinceMs: number;
  atMs: number;
  score: number;
  /** The same with the short half-life. */
  flash: number;
  /** Scores of its variants by relname, of at most LIMITS.hotVariantsMax. */
  readonly variants: Map<string, number>;
}

/** Below this an item is forgotten: less than an access is left of it. */
const SCORE_LEAST = 0.5;

/**
 * One for the node, on the main thread. About 300 bytes an item with a variant or two. When it is full, newcomers are
 * left out until the next `prune` has dropped the colder half.
 */
export class HotTracker {
  readonly #items = new TurnoverMap<string, HotItem>();
  readonly #itemsMax: number;

  constructor(itemsMax: number = LIMITS.hotItemsMax) {
    this.#itemsMax = itemsMax;
  }

  get size(): number {
    return this.#items.size;
  }

  get(id: string): HotItem | undefined {
    return this.#items.get(id);
  }

  items(): Iterable<HotItem> {
    return this.#items.values();
  }

  /** So many accesses of a variant; `halfLifeMs` is the longer one. */
  add(
    accesses: { readonly id: string; readonly relname: string; readonly count: number },
    time: { readonly nowMs: number; readonly halfLifeMs: number },
  ): void {
    const { id, relname, count } = accesses;
    const item = this.#items.get(id) ?? this.#enter(id, time.nowMs);
    if (item === undefined) return;
    age(item, time);
    item.score += count;
    item.flash += count;
    const before = item.variants.get(relname);
    if (before === undefined && item.variants.size >= LIMITS.hotVariantsMax) dropColdest(item);
    item.variants.set(relname, (before ?? 0) + count);
  }

  /** Brings all scores up to now, and drops what has cooled; the colder half of what is left when it is full. */
  prune(time: { readonly nowMs: number; readonly halfLifeMs: number }): void {
    for (const item of this.#items.values()) {
      age(item, time);
      if (item.score < SCORE_LEAST) this.#items.delete(item.id);
    }
    if (this.#items.size < this.#itemsMax) return;
    const byScore = [...this.#items.values()].sort((a, b) => a.score - b.score);
    for (const { id } of byScore.slice(0, byScore.length / 2)) this.#items.delete(id);
  }

  forget(id: string): void {
    this.#items.delete(id);
  }

  #enter(id: string, nowMs: number): HotItem | undefined {
    if (this.#items.size >= this.#itemsMax) return undefined;
    const item = { id, sinceMs: nowMs, atMs: nowMs, score: 0, flash: 0, variants: new Map() };
    this.#items.set(id, item);
    return item;
  }
}

/** Accesses a second: of the last seconds, or over the longer time where that says more, so that a pause cools nothing. */
export function itemRate(item: HotItem, halfLifeMs: number): number {
  const ageMs = item.atMs - item.sinceMs;
  const flash = rateOf(item.flash, ageMs, FLASH_HALF_LIFE_MS);
  return Math.max(flash, rateOf(item.score, ageMs, halfLifeMs));
}

function age(
  item: HotItem,
  { nowMs, halfLifeMs }: { readonly nowMs: number; readonly halfLifeMs: number },
): void {
  const ageMs = nowMs - item.atMs;
  if (ageMs <= 0) return;
  item.atMs = nowMs;
  item.score = decayed(item.score, ageMs, halfLifeMs);
  item.flash = decayed(item.flash, ageMs, FLASH_HALF_LIFE_MS);
  for (const [relname, score] of item.variants) {
    item.variants.set(relname, decayed(score, ageMs, halfLifeMs));
  }
}

function dropColdest({ variants }: HotItem): void {
  let coldest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [relname, score] of variants) {
    if (score >= least) continue;
    coldest = relname;
    least = score;
  }
  if (coldest !== undefined) variants.delete(coldest);
}
