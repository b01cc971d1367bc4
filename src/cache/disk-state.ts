/** What is known of the health of one directory of the cache, in its shared memory: written by main, read by every thread. */

import { SUM } from "./layout.ts";
import { addSum, sum, type View } from "./view.ts";

/**
 * `unwritable`: what lies there is served, nothing is added. `failed`: it is as if it were not there; what it has is
 * remembered, and served again once it is well.
 */
export type DiskState = "well" | "unwritable" | "failed";

const STATES: readonly DiskState[] = ["well", "unwritable", "failed"];

export function diskState(view: View): DiskState {
  return STATES[sum(view, SUM.health)] ?? "failed";
}

export function setDiskState(view: View, state: DiskState): void {
  view.sums[SUM.health] = STATES.indexOf(state);
}

/** It is put to use, for the first time or again. */
export function noteBegun(view: View): void {
  addSum(view, SUM.begun, 1);
}

/** Differs when what a thread has open of the directory may not be of what is there now; 0 before it was put to use. */
export function timesBegun(view: View): number {
  return sum(view, SUM.begun);
}

/** A file that should be there could not be read; a count that is lost now and then is no harm. */
export function noteUnread(view: View): void {
  addSum(view, SUM.unread, 1);
}

export function unreadSoFar(view: View): number {
  return sum(view, SUM.unread);
}
