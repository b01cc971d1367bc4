/** Caches of one byte capacity that a trace is replayed against: the node's own policies, and rivals. */

import { LRUCache } from "lru-cache";
import { LOAD_MAX, type Policy } from "../../src/cache/layout.ts";
import { accounted } from "../../src/cache/ledger.ts";
import { drive, nameOfNumber } from "../../tests/support/driven-index.ts";

export interface Replayed {
  /** Asks for an object, and keeps it if it was not there; whether it was. */
  request(object: number, bytes: number): boolean;
}

export interface Contender {
  readonly name: string;
  /** `objects`: how many different ones there will be. */
  make(options: { readonly capacityBytes: number; readonly objects: number }): Replayed;
}

const SLOTS_MIN = 64;

/** The eviction code of the node, over an index of its own: nothing here decides what goes. */
function nodePolicy(eviction: Policy): Contender {
  return {
    name: `mir ${eviction}`,
    make({ capacityBytes, objects }) {
      const slots = Math.max(SLOTS_MIN, Math.ceil(objects / LOAD_MAX) + 1);
      const driven = drive({ slots, capacityBytes, eviction });
      return { request: (object, bytes) => driven.request(nameOfNumber(object), bytes) };
    },
  };
}

interface Node {
  readonly object: number;
  readonly bytes: number;
  visited: boolean;
  newer: Node | undefined;
  older: Node | undefined;
}

/** SIEVE (NSDI'24) by bytes, written down as its paper has it. */
class Sieve implements Replayed {
  readonly #nodes = new Map<number, Node>();
  readonly #capacityBytes: number;
  #used = 0;
  #newest: Node | undefined;
  #oldest: Node | undefined;
  #hand: Node | undefined;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  request(object: number, bytes: number): boolean {
    const found = this.#nodes.get(object);
    if (found !== undefined) {
      found.visited = true;
      return true;
    }
    const rounded = accounted(bytes);
    if (rounded > this.#capacityBytes) return false;
    while (this.#used + rounded > this.#capacityBytes) this.#evict();
    this.#insert({ object, bytes: rounded, visited: false, newer: undefined, older: this.#newest });
    return false;
  }

  #insert(node: Node): void {
    if (this.#newest !== undefined) this.#newest.newer = node;
    this.#newest = node;
    this.#oldest ??= node;
    this.#nodes.set(node.object, node);
    this.#used += node.bytes;
  }

  #evict(): void {
    let node = this.#hand ?? this.#oldest;
    while (node?.visited === true) {
      node.visited = false;
      node = node.newer ?? this.#oldest;
    }
    if (node === undefined) return;
    this.#hand = node.newer;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    this.#nodes.delete(node.object);
    this.#used -= node.bytes;
  }
}

function npmLru(capacityBytes: number): Replayed {
  const cache = new LRUCache<number, number>({ maxSize: capacityBytes });
  return {
    request(object, bytes) {
      if (cache.get(object) !== undefined) return true;
      const size = accounted(bytes);
      if (size > 0 && size <= capacityBytes) cache.set(object, bytes, { size });
      return false;
    },
  };
}

export const CONTENDERS: readonly Contender[] = [
  nodePolicy("s3-fifo"),
  nodePolicy("lru"),
  { name: "SIEVE", make: ({ capacityBytes }) => new Sieve(capacityBytes) },
  { name: "lru-cache (npm)", make: ({ capacityBytes }) => npmLru(capacityBytes) },
];
