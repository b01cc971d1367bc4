/** Room held by one fill: taken before anything is written, settled by publish, given back otherwise. */

import { type Amount, accounted, RESERVATION_MARGIN_BYTES } from "./ledger.ts";
import { giveRoom, takeRoom } from "./room.ts";
import type { Store } from "./store.ts";

export interface Reservation extends Disposable {
  /** Bytes a file may have under it: what was asked for, rounded up to 4 KiB. 0 once released or published. */
  readonly bytes: number;
  /** Makes room for `bytes` more, evicting as needed; false, with nothing changed, when it cannot be had. */
  grow(bytes: number): boolean;
  /** Gives the room back; harmless when it is already given back or published. */
  release(): void;
}

/** Undefined when the room cannot be made, or writing keeps failing. */
export function reserve(store: Store, bytes: number): HeldRoom | undefined {
  if (!isLength(bytes)) return undefined;
  const amount = { bytes: accounted(bytes) + RESERVATION_MARGIN_BYTES, slots: 1 };
  if (!store.writes.enter()) return undefined;
  if (takeRoom(store, amount)) return new HeldRoom(store, bytes);
  store.writes.released();
  return undefined;
}

function isLength(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0;
}

export class HeldRoom implements Reservation {
  readonly store: Store;
  #wanted: number;
  #held = true;

  constructor(store: Store, bytes: number) {
    this.store = store;
    this.#wanted = bytes;
    store.rooms.add(this);
  }

  get bytes(): number {
    return this.#held ? accounted(this.#wanted) : 0;
  }

  /** All it holds in the ledger: the file, its journal record, its slot. Nothing once released. */
  get amount(): Amount | undefined {
    return this.#held ? { bytes: this.bytes + RESERVATION_MARGIN_BYTES, slots: 1 } : undefined;
  }

  grow(bytes: number): boolean {
    if (!this.#held || !isLength(bytes)) return false;
    const more = accounted(this.#wanted + bytes) - this.bytes;
    if (more > 0 && !takeRoom(this.store, { bytes: more, slots: 0 })) return false;
    this.#wanted += bytes;
    return true;
  }

  release(): void {
    const { amount } = this;
    if (amount === undefined) return;
    this.store.writes.released();
    this.spend();
    giveRoom(this.store, amount);
  }

  /** The room goes to a slot in the ledger, or back. */
  spend(): void {
    this.#held = false;
    this.store.rooms.delete(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
