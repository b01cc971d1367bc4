/** What main remembers of the ids that were purged or blocked, and how orders change it. */

import { LIMITS } from "../base/limits.ts";
import { TurnoverMap } from "../base/turnover-map.ts";
import { TOMBSTONE_LIFE_SECONDS } from "./tombstone-table.ts";

export interface PurgeState {
  readonly id: string;
  /** Unix seconds; 0 for never. */
  readonly purgedAt: number;
  /** Of the last purge that went with its original, so that no upload from before it may reach the store; 0: never. */
  readonly withdrawnAt: number;
  readonly blocked: boolean;
  /** When it was blocked or unblocked last; 0 for never. */
  readonly changedAt: number;
  /** Rises with every change on this node: by it others know where they left off. */
  readonly seq: number;
}

export interface PurgeOrder {
  readonly id: string;
  /** Unix seconds at the node that was told first. */
  readonly purgedAt: number;
  /** "withdraw" is a purge that takes uploads which are on their way to the store too. */
  readonly action: "purge" | "withdraw" | "block" | "unblock";
}

const NEVER = { purgedAt: 0, withdrawnAt: 0, blocked: false, changedAt: 0 };

/**
 * The state after an order; undefined when it changes nothing. Orders may come in any order and more than
 * once: the last purge and the last of block and unblock hold, and of two in one second the block.
 */
export function afterOrder(
  before: PurgeState | undefined,
  order: PurgeOrder,
  seq: number,
): PurgeState | undefined {
  const { purgedAt, withdrawnAt, blocked, changedAt } = before ?? NEVER;
  const { id, action } = order;
  const at = order.purgedAt;
  const purges = action !== "unblock" && at > purgedAt;
  const wins = at > changedAt || (at === changedAt && action === "block" && !blocked);
  const withdraws = action === "withdraw" && at > withdrawnAt;
  const changes = (action === "block" || action === "unblock") && wins;
  if (!purges && !withdraws && !changes) return undefined;
  return {
    id,
    purgedAt: purges ? at : purgedAt,
    withdrawnAt: withdraws ? at : withdrawnAt,
    blocked: changes ? action === "block" : blocked,
    changedAt: changes ? at : changedAt,
    seq,
  };
}

/** The orders by which another node comes to the same state. */
export function ordersOf(state: PurgeState): PurgeOrder[] {
  const { id, purgedAt, withdrawnAt, blocked, changedAt } = state;
  const orders: PurgeOrder[] = [];
  if (changedAt > 0) {
    orders.push({ id, purgedAt: changedAt, action: blocked ? "block" : "unblock" });
  }
  if (withdrawnAt > 0) orders.push({ id, purgedAt: withdrawnAt, action: "withdraw" });
  if (purgedAt > withdrawnAt && (!blocked || purgedAt !== changedAt)) {
    orders.push({ id, purgedAt, action: "purge" });
  }
  return orders;
}

/** Nothing of it matters any more. */
export function isOver(state: PurgeState, now: number): boolean {
  if (state.blocked) return false;
  return Math.max(state.purgedAt, state.changedAt) + TOMBSTONE_LIFE_SECONDS <= now;
}

/** The states by id, in the order of their last change; at most LIMITS.purgesMax. */
export class PurgeStates {
  readonly #states = new TurnoverMap<string, PurgeState>();
  readonly #max: number;
  #seq = 0;

  constructor(max: number = LIMITS.purgesMax) {
    this.#max = max;
  }

  get size(): number {
    return this.#states.size;
  }

  /** Of the last change. */
  get seq(): number {
    return this.#seq;
  }

  get(id: string): PurgeState | undefined {
    return this.#states.get(id);
  }

  values(): Iterable<PurgeState> {
    return this.#states.values();
  }

  put(state: PurgeState): void {
    this.#states.delete(state.id);
    this.#states.set(state.id, state);
    this.#seq = Math.max(this.#seq, state.seq);
  }

  /** Room for one more: what is over goes, else the purge that would be over first. undefined: all are blocks. */
  makeRoom(now: number): readonly PurgeState[] | undefined {
    if (this.#states.size < this.#max) return [];
    const gone = [...this.#states.values()].filter((state) => isOver(state, now));
    if (gone.length === 0) {
      const first = this.#firstToGo();
      if (first === undefined) return undefined;
      gone.push(first);
    }
    for (const { id } of gone) this.#states.delete(id);
    return gone;
  }

  #firstToGo(): PurgeState | undefined {
    let first: PurgeState | undefined;
    for (const state of this.#states.values()) {
      if (state.blocked || (first !== undefined && first.purgedAt <= state.purgedAt)) continue;
      first = state;
    }
    return first;
  }
}
