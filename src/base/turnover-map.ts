/** A Map through which much passes, without what has passed staying in memory. */

/** Removals after which even a nearly empty one moves. */
const REMOVED_MIN = 256;

/**
 * The runtime leads from each table that a Map has outgrown to the next one, for iterators that are under way. Anything
 * that still points at an early table, as a stale word on the stack may for ever, so holds whatever was in that Map
 * since: a node grew by 236 MB a minute, out of a Map of 16 MiB (docs/decisions/0031-maps-that-move.md). This one moves
 * to a new Map after as many removals as it has entries, to which nothing leads. Removing while one walks through it is
 * safe, and so is setting, as with a Map.
 */
export class TurnoverMap<K, V> {
  #map = new Map<K, V>();
  #removed = 0;
  /** Iterations under way: they would not follow into another Map. */
  #walks = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    if (this.#removed > REMOVED_MIN && this.#removed > this.#map.size) this.#move();
    this.#map.set(key, value);
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    const wasHere = this.#map.delete(key);
    if (wasHere) this.#removed++;
    return wasHere;
  }

  clear(): void {
    this.#map.clear();
    this.#removed = Number.POSITIVE_INFINITY;
  }

  /** What was set first of what is here; setting it again changes nothing about that. */
  firstKey(): K | undefined {
    return this.#map.keys().next().value;
  }

  /** What `firstKey` is of goes. */
  deleteFirst(): void {
    const first = this.firstKey();
    if (first !== undefined) this.delete(first);
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.#walk(() => this.#map);
  }

  values(): Generator<V> {
    return this.#walk(() => this.#map.values());
  }

  /** `entries` is called when the first one is wanted: the Map may have moved by then. */
  *#walk<T>(entries: () => Iterable<T>): Generator<T> {
    this.#walks++;
    try {
      yield* entries();
    } finally {
      this.#walks--;
    }
  }

  #move(): void {
    if (this.#walks > 0) return;
    this.#map = new Map(this.#map);
    this.#removed = 0;
  }
}
