/** First-in first-out queues of live slots, doubly linked inside the slots; under the lock. */

import { HEADER, OCTET, WORD } from "./layout.ts";
import { setSlotOctet, setSlotWord, slotOctet, slotWord, type View, word } from "./view.ts";

export const SMALL = 0;
export const MAIN = 1;
/** Variants that may not be evicted: in no queue of the policy, so that it never meets them. */
export const PINNED = 2;
/** The mark of what is live and in no queue: everything but the pinned, under `lru`. */
export const UNQUEUED = 3;
export const QUEUES = [SMALL, MAIN, PINNED] as const;

/** The first slot of a queue, or -1. */
export function headOf(view: View, queue: number): number {
  return word(view, HEADER.heads + queue) - 1;
}

/** The slot behind this one in its queue, or -1. */
export function nextOf(view: View, slot: number): number {
  return slotWord(view, slot, WORD.next) - 1;
}

/** The last slot of a queue, or -1. */
export function tailOf(view: View, queue: number): number {
  return word(view, HEADER.tails + queue) - 1;
}

/** The slot before this one in its queue, or -1. */
export function prevOf(view: View, slot: number): number {
  return slotWord(view, slot, WORD.prev) - 1;
}

export function queueOf(view: View, slot: number): number {
  return slotOctet(view, slot, OCTET.queue);
}

export function push(view: View, queue: number, slot: number): void {
  const { words } = view;
  const tail = word(view, HEADER.tails + queue);
  setSlotWord(view, slot, WORD.next, 0);
  setSlotWord(view, slot, WORD.prev, tail);
  setSlotOctet(view, slot, OCTET.queue, queue);
  if (tail === 0) words[HEADER.heads + queue] = slot + 1;
  else setSlotWord(view, tail - 1, WORD.next, slot + 1);
  words[HEADER.tails + queue] = slot + 1;
}

/** The same at the other end: it is the next to leave. */
export function pushFirst(view: View, queue: number, slot: number): void {
  const { words } = view;
  const head = word(view, HEADER.heads + queue);
  setSlotWord(view, slot, WORD.prev, 0);
  setSlotWord(view, slot, WORD.next, head);
  setSlotOctet(view, slot, OCTET.queue, queue);
  if (head === 0) words[HEADER.tails + queue] = slot + 1;
  else setSlotWord(view, head - 1, WORD.prev, slot + 1);
  words[HEADER.heads + queue] = slot + 1;
}

export function unlink(view: View, slot: number): void {
  const { words } = view;
  const queue = queueOf(view, slot);
  const next = slotWord(view, slot, WORD.next);
  const prev = slotWord(view, slot, WORD.prev);
  if (prev === 0) words[HEADER.heads + queue] = next;
  else setSlotWord(view, prev - 1, WORD.next, next);
  if (next === 0) words[HEADER.tails + queue] = prev;
  else setSlotWord(view, next - 1, WORD.prev, prev);
}
