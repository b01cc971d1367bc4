/** When little room is left, and telling main so; a hint, read without the lock. */

import { HEADER, SUM } from "./layout.ts";
import { limitBytes, limitSlots, roomBytes, roomSlots } from "./ledger.ts";
import { sum, type View, word } from "./view.ts";

/** Share of the bytes and of the places that is kept free ahead of need. */
const LOW_SHARE = 1 / 200;
/** Bytes above which nothing is gained: main makes more than that in a second. */
const LOW_BYTES_MAX = 2 ** 30;

export interface LowMark {
  readonly bytes: number;
  readonly slots: number;
}

/** 0 bytes for a cache of a few large variants, each of which is too much to give up before there is need. */
export function lowMark(view: View): LowMark {
  const bytes = Math.min(LOW_BYTES_MAX, limitBytes(view) * LOW_SHARE);
  const typicalBytes = sum(view, SUM.live) / Math.max(1, word(view, HEADER.live));
  return {
    bytes: bytes < typicalBytes ? 0 : bytes,
    slots: Math.floor(limitSlots(view) * LOW_SHARE),
  };
}

/** Whether less is free than `times` the low mark. */
export function runsLow(view: View, times = 1): boolean {
  const { bytes, slots } = lowMark(view);
  return roomBytes(view) < bytes * times || roomSlots(view) < slots * times;
}

/** After room was taken: wakes main where little is left, unless it is on it. */
export function callForRoom(view: View): void {
  if (word(view, HEADER.thirst) !== 0 || !runsLow(view)) return;
  Atomics.store(view.words, HEADER.thirst, 1);
  Atomics.notify(view.words, HEADER.thirst);
}
