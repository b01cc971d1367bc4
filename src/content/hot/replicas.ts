/** The copies that this node keeps for owners: a bounded share of its bytes, and gone as soon as nobody asks for them. */

import { LIMITS } from "../../base/limits.ts";
import { TurnoverMap } from "../../base/turnover-map.ts";

const BLOCK_BYTES = 4096;

export interface ReplicasOptions {
  /** Bytes that copies may take together; read anew each time. */
  readonly roomBytes: () => number;
  /** How long one may go unasked, in milliseconds; read anew each time. */
  readonly idleMs: () => number;
  /** Whether the cache has it. */
  readonly has: (relname: string) => boolean;
  /** Whether this node itself owns it by now. */
  readonly owns: (relname: string) => boolean;
  /** Drops it from the cache. */
  readonly drop: (relname: string) => void;
}

interface Kept {
  /** As the cache counts them. */
  readonly bytes: number;
  usedMs: number;
}

/**
 * On the main thread. It is the policy of the cache that evicts; this only drops copies before that, so that they are
 * the first to go when their heat has gone. It may list what is not there any more until the next `sweep`, and knows
 * nothing of copies from before a restart: those are content like any other until they are warmed again.
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  /** In the order of their last use. */
  readonly #kept = new TurnoverMap<string, Kept>();
  #bytes = 0;

  constructor(options: ReplicasOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(relname: string): boolean {
    return this.#kept.has(relname);
  }

  /**
   * Whether one more may be kept; those nobody has asked for of late go for it, never content that is owned. One that is
   * kept already counts as used.
   */
  admit(relname: string, bytes: number, nowMs: number): boolean {
    if (this.#kept.has(relname)) {
      this.use(relname, nowMs);
      return true;
    }
    const wanted = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    const roomBytes = this.#options.roomBytes();
    if (wanted > roomBytes) return false;
    for (const [name, kept] of this.#kept) {
      if (this.#fits(wanted, roomBytes)) break;
      if (nowMs - kept.usedMs < this.#options.idleMs()) return false;
      this.#let(name, kept);
    }
    if (!this.#fits(wanted, roomBytes)) return false;
    this.#kept.set(relname, { bytes: wanted, usedMs: nowMs });
    this.#bytes += wanted;
    return true;
  }

  /** Somebody was served from it. */
  use(relname: string, nowMs: number): void {
    const kept = this.#kept.get(relname);
    if (kept === undefined) return;
    this.#kept.delete(relname);
    kept.usedMs = nowMs;
    this.#kept.set(relname, kept);
  }

  /** Lets go of those that nobody asks for; how many were dropped. */
  sweep(nowMs: number): number {
    const { idleMs } = this.#options;
    let dropped = 0;
    for (const [relname, kept] of this.#kept) {
      if (nowMs - kept.usedMs < idleMs()) break;
      if (this.#let(relname, kept)) dropped++;
    }
    return dropped;
  }

  #fits(bytes: number, roomBytes: number): boolean {
    return this.#bytes + bytes <= roomBytes && this.#kept.size < LIMITS.replicasMax;
  }

  /** Whether it was dropped. */
  #let(relname: string, { bytes }: Kept): boolean {
    const { has, owns, drop } = this.#options;
    this.#kept.delete(relname);
    this.#bytes -= bytes;
    if (!has(relname) || owns(relname)) return false;
    drop(relname);
    return true;
  }
}
